# SPDX-License-Identifier: MIT
# core/config - runtimes.conf.
libcore_la_SOURCES +=
