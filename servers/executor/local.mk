# SPDX-License-Identifier: MIT
# servers/executor
libservers_la_SOURCES +=
