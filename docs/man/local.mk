# SPDX-License-Identifier: MIT
# docs/man - man pages.
dist_man_MANS += %D%/yoke.1 %D%/runtimes.conf.5 %D%/services.yaml.5 %D%/yoke-runtime.7
