# SPDX-License-Identifier: MIT
# core/process - one child: spawn, pipes, pidfd, process group; and the host's own part in it.
libcore_la_SOURCES += \
    %D%/census.c \
    %D%/census.h \
    %D%/census_share.c \
    %D%/census_share.h \
    %D%/child.c \
    %D%/console.c \
    %D%/console.h \
    %D%/guardian.c \
    %D%/guardian.h \
    %D%/launch.c \
    %D%/launch.h \
    %D%/pipe.c \
    %D%/pipe.h \
    %D%/program.c \
    %D%/program.h \
    %D%/reaper.c \
    %D%/reaper_parts.h \
    %D%/registry.c \
    %D%/registry.h \
    %D%/vigil.c \
    %D%/vigil.h

# Each of these is also in AC_CONFIG_LINKS of configure.ac.
pkginclude_HEADERS += \
    %D%/child.h \
    %D%/reaper.h
