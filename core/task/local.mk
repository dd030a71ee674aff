# SPDX-License-Identifier: MIT
# core/task - tasks, groups, channels and the like, over the spawner ABI alone.
libcore_la_SOURCES += \
    %D%/channel.c \
    %D%/channel_state.h \
    %D%/condition.c \
    %D%/fd_state.h \
    %D%/group.c \
    %D%/mutex.c \
    %D%/offload.c \
    %D%/run.c \
    %D%/select.c \
    %D%/semaphore.c \
    %D%/signals.c \
    %D%/task.c \
    %D%/task_state.h \
    %D%/runtime_verbs.h \
    %D%/wait_fd.c \
    %D%/waiting.c \
    %D%/waiting.h

# Each of these is also in AC_CONFIG_LINKS of configure.ac.
pkginclude_HEADERS += \
    %D%/channel.h \
    %D%/condition.h \
    %D%/group.h \
    %D%/mutex.h \
    %D%/offload.h \
    %D%/select.h \
    %D%/semaphore.h \
    %D%/signals.h \
    %D%/task.h \
    %D%/wait.h \
    %D%/wait_fd.h
