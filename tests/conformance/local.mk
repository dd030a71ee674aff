# SPDX-License-Identifier: MIT
# tests/conformance - the program yoke-conformance, and the broken plugins that it must catch.
#
# pkglibexec_PROGRAMS += yoke-conformance
# yoke_conformance_SOURCES = %D%/main.c
# yoke_conformance_LDADD = libcore.la
