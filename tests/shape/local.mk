# SPDX-License-Identifier: MIT
# tests/shape - what holds for the tree as a whole: layers, style.
shape_tests = \
    %D%/test_layers.sh \
    %D%/test_style.sh

TESTS += $(shape_tests)
EXTRA_DIST += $(shape_tests) core/LAYERS .clang-format .clang-tidy .shellcheckrc \
    tools/check-layers tools/check-staged tools/check-style tools/install-hooks \
    tools/tidy.h tools/wrap-comments
