# SPDX-License-Identifier: MIT
# tests/support - what the unit tests share; linked into every test.
libsupport_la_SOURCES += \
    %D%/support.h
