# SPDX-License-Identifier: MIT
# servers/stack
libservers_la_SOURCES +=
