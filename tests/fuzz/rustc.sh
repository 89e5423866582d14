#!/bin/sh
# cargo calls this in place of rustc, with rustc first. Only what takes foreign bytes apart is watched: to look through the
# counters of everything that is linked would take longer than a run. The flags are those of LLVM that stable rustc hands on.
case " $* " in
*" --crate-name pneumatic "* | *" --crate-name pneumatic_fuzz "* | *" --crate-name serde_json "* | \
    *" --crate-name actix_http "* | *" --crate-name uuid "* | *" --crate-name chrono "*)
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
*) exec "$@" ;;
esac
