#!/usr/bin/env bash
# Prints the first line of a file of results: on what, and of what, it was measured.
set -euo pipefail
cd "$(dirname "$0")/.."
model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
printf '{"machine":{"cpus":%d,"model":"%s","kernel":"%s","date":"%s","commit":"%s"}}\n' \
    "$(nproc)" "${model:-unknown}" "$(uname -r)" "$(date -u +%F)" "$commit"
