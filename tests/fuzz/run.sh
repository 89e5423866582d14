#!/usr/bin/env bash
# Fuzzes each target for so many seconds: run.sh [SECONDS [TARGET…]], 60 and all of them by default. It needs stable Rust and a
# C++ compiler, for libFuzzer. What breaks a target stays in target/fuzz/crashes/TARGET, and what has been found to lead somewhere
# new in target/fuzz/found/TARGET, from where the next run goes on. `target/fuzz/release/TARGET FILE` tries one file.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(frames outgoing v1 v2 fastchat text news)
command -v c++ >/dev/null || { echo "SKIPPED: fuzzing needs a C++ compiler (on Debian: apt-get install g++)" >&2; exit 0; }

folder=$(realpath "${CARGO_TARGET_DIR:-target}")/fuzz
RUSTC_WRAPPER=$PWD/tests/fuzz/rustc.sh CARGO_TARGET_DIR=$folder \
    cargo build --release --locked --manifest-path tests/fuzz/Cargo.toml

broken=()
for target in "${targets[@]}"; do
    found=$folder/found/$target crashes=$folder/crashes/$target log=$folder/$target.log
    mkdir -p "$found" "$crashes"
    printf '\n== %s, for %s s\n' "$target" "$seconds"
    # Progress alone is shown; all of it is in the log.
    "$folder/release/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -dict=tests/fuzz/dictionary -artifact_prefix="$crashes/" "$found" "tests/fuzz/corpus/$target" 2>&1 |
        tee "$log" | grep --line-buffered -E 'INITED|pulse|DONE|panicked|ERROR|Test unit written|executed_units|exec_per_sec' ||
        true
    grep -q '^Done ' "$log" || broken+=("$target: $crashes/$(ls -t "$crashes" | head -n 1), see $log")
done
if [ ${#broken[@]} -gt 0 ]; then
    printf '\nbroken, with the bytes that do it:\n' >&2
    printf '  %s\n' "${broken[@]}" >&2
    exit 1
fi
