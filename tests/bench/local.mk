# SPDX-License-Identifier: MIT
# tests/bench - measurements: `make bench`.
