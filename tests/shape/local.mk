# SPDX-License-Identifier: MIT
# tests/shape - what holds for the tree as a whole: layers, style.
