# SPDX-License-Identifier: MIT
# core/task - tasks over the ABI alone.
libcore_la_SOURCES +=

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
