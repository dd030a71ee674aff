# SPDX-License-Identifier: MIT
# core/config - runtimes.conf.
libcore_la_SOURCES += \
    %D%/conf_file.c \
    %D%/conf_file.h \
    %D%/runtimes_conf.c \
    %D%/runtimes_conf.h \
    %D%/runtimes_key.c \
    %D%/runtimes_key.h \
    %D%/runtimes_parser.c \
    %D%/runtimes_parser.h
