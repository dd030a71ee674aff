# SPDX-License-Identifier: MIT
# tests/shape - what holds for the tree as a whole: layers, style.
shape_tests = \
    %D%/test_layers.sh

TESTS += $(shape_tests)
EXTRA_DIST += $(shape_tests) core/LAYERS tools/check-layers
