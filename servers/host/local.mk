# SPDX-License-Identifier: MIT
# servers/host - the program yoke: main, one file a command.
bin_PROGRAMS += yoke
yoke_SOURCES = \
    %D%/cmd_config.c \
    %D%/cmd_config_check.c \
    %D%/cmd_runtime.c \
    %D%/cmd_runtime_check.c \
    %D%/cmd_runtime_list.c \
    %D%/cmd_up.c \
    %D%/cmd_version.c \
    %D%/command.c \
    %D%/command.h \
    %D%/json_text.c \
    %D%/json_text.h \
    %D%/main.c
yoke_LDADD = libservers.la libcore.la
