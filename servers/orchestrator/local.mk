# SPDX-License-Identifier: MIT
# servers/orchestrator - a stack is brought up, shown and taken down.
libservers_la_SOURCES += \
    %D%/event.c \
    %D%/event.h \
    %D%/launch_plan.c \
    %D%/launch_plan.h \
    %D%/line_format.c \
    %D%/line_format.h \
    %D%/lines.c \
    %D%/lines.h \
    %D%/orchestrator.c \
    %D%/orchestrator.h \
    %D%/orchestrator_parts.h \
    %D%/report.c \
    %D%/report.h \
    %D%/service_run.c \
    %D%/service_run.h \
    %D%/stopping.c
