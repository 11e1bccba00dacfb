#!/bin/sh
# sh fuzz/run.sh TARGET SECONDS [FOLDER…]: builds a target and runs it, on its seeds and those in the folders. What it
# finds stays in fuzz/found, what it learns in fuzz/corpus; neither is kept in git.
set -eu
target=$1 seconds=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
triple=$(rustc -vV | sed -n 's/^host: //p')
# What `cargo fuzz -s none` sets; stable Rust knows it all. A named target leaves build scripts as they are.
export RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
 -Cllvm-args=-sanitizer-coverage-trace-compares"
cargo build --release --locked --manifest-path "$here/Cargo.toml" --target "$triple" --bin "$target"
mkdir -p "$here/corpus/$target" "$here/found"
case $target in
xlsx) length=32768 ;;
iati) length=16384 ;;
*) length=4096 ;;
esac
exec "${CARGO_TARGET_DIR:-$here/target}/$triple/release/$target" -max_total_time="$seconds" -max_len=$length \
    -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 -artifact_prefix="$here/found/$target-" \
    "$here/corpus/$target" "$here/seeds/$target" "$@"
