#!/usr/bin/env bash
# Gets what the peers need: packages of Node.js, the bare broadcaster, and ejabberd where the system is a Debian. What can't be had is
# said, and skipped; arguments name those that are wanted, or else all are: install.sh ws bare
set -euo pipefail
cd "$(dirname "$0")"
wanted=("${@:-ws socketio bare ejabberd}")
