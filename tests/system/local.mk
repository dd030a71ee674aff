# SPDX-License-Identifier: MIT
# tests/system - the built programs as a user runs them.
