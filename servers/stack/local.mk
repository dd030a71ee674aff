# SPDX-License-Identifier: MIT
# servers/stack - services.yaml: what it says, and in which order its services start.
libservers_la_SOURCES += \
    %D%/graph.c \
    %D%/graph.h \
    %D%/health_check.c \
    %D%/health_check.h \
    %D%/network.c \
    %D%/network.h \
    %D%/place.h \
    %D%/problems.c \
    %D%/problems.h \
    %D%/reader.c \
    %D%/reader.h \
    %D%/service.c \
    %D%/service.h \
    %D%/stack_file.c \
    %D%/stack_file.h \
    %D%/substitute.c \
    %D%/substitute.h \
    %D%/yaml.c \
    %D%/yaml.h
