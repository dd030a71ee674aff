# SPDX-License-Identifier: MIT
# docs - pages, man pages, and the programs in docs/examples.
