# SPDX-License-Identifier: MIT
# servers/host - the program yoke: main, one file a subcommand.
#
# bin_PROGRAMS += yoke
# yoke_SOURCES = \
#     %D%/main.c
# yoke_LDADD = libservers.la libcore.la
