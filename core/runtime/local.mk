# SPDX-License-Identifier: MIT
# core/runtime - the contract with a runtime plugin, and the loader.
libcore_la_SOURCES += \
    %D%/host.c \
    %D%/host.h

pkginclude_HEADERS += %D%/spawner.h
