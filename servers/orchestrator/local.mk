# SPDX-License-Identifier: MIT
# servers/orchestrator
libservers_la_SOURCES +=
