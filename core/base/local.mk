# SPDX-License-Identifier: MIT
# core/base - words that every file uses.
libcore_la_SOURCES += \
    %D%/arena.c \
    %D%/arena.h \
    %D%/base64.c \
    %D%/base64.h \
    %D%/clock.c \
    %D%/clock.h \
    %D%/descriptors.c \
    %D%/descriptors.h \
    %D%/disposition.c \
    %D%/disposition.h \
    %D%/error.c \
    %D%/error.h \
    %D%/file.c \
    %D%/file.h \
    %D%/list.h \
    %D%/lock.c \
    %D%/lock.h \
    %D%/run_lock.c \
    %D%/run_lock.h \
    %D%/suggest.c \
    %D%/suggest.h \
    %D%/terminal.c \
    %D%/terminal.h \
    %D%/text.c \
    %D%/text.h \
    %D%/utf8.c \
    %D%/utf8.h

pkginclude_HEADERS += %D%/own.h
