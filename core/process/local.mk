# SPDX-License-Identifier: MIT
# core/process - one child: spawn, pipes, pidfd, process group.
libcore_la_SOURCES +=

pkginclude_HEADERS += %D%/child.h
