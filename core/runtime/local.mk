# SPDX-License-Identifier: MIT
# core/runtime - the contract with a runtime plugin, and the loader.
libcore_la_SOURCES += \
    %D%/default.c \
    %D%/fault.c \
    %D%/fault.h \
    %D%/helper_program.c \
    %D%/helper_program.h \
    %D%/host.c \
    %D%/host.h \
    %D%/loader.c \
    %D%/loader.h \
    %D%/plugin_file.c \
    %D%/plugin_file.h \
    %D%/plugin_path.c \
    %D%/plugin_path.h \
    %D%/runtime.c \
    %D%/runtime.h

pkginclude_HEADERS += %D%/default.h %D%/spawner.h
