#!/usr/bin/env bash
# Runs every test of the debug build: run-tests.sh PROCESSES BUILD…, where BUILD is the `swift build` of the release
# binary.
#
# The tests whose names match PROCESSES start servers and nodes and mostly wait. They run one after another, and what
# they say is shown at the end. Beside them, with what they leave of the processors, go the release build and then all
# other tests. Half an hour at most: a test that never ends must not hold everything up. Where tests fail, the last
# lines say which and why, so that nobody has to search a thousand others.
set -uo pipefail
cd "$(dirname "$0")/.."

processes=$1
shift
logs=.build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
limit=$(command -v timeout >/dev/null && echo timeout --kill-after=10 1800)
# SwiftPM would let one of them wait for another; what they write does not meet.
tests="swift test --skip-build --ignore-lock"

# shellcheck disable=SC2086 # Both are several words.
$limit $tests --no-parallel --filter "$processes" >"$logs/processes.log" 2>&1 &
beside=$!
trap 'kill "$beside" 2>/dev/null' EXIT
# When they begin, both look into the database of what is built, and one may find it locked.
until grep -q 'Test run started' "$logs/processes.log" || ! kill -0 "$beside" 2>/dev/null; do sleep 0.2; done
nice -n 10 "$@" --ignore-lock || exit
# shellcheck disable=SC2086
$limit nice -n 10 $tests --skip "$processes" 2>&1 | tee "$logs/others.log"
others=$?
wait "$beside"
beside=$?
trap - EXIT
cat "$logs/processes.log"

# explain STATUS LOG: what failed in one of the runs.
explain() {
    [ "$1" -eq 0 ] && return
    printf '\nrun-tests: what failed (all of it is in %s):\n' "$2"
    # Each issue with the lines that explain it; colours are dropped.
    sed 's/\x1b\[[0-9;]*m//g' "$2" | awk '
        /recorded an issue|error:|Fatal error|crashed/ { print; explains = 1; next }
        explains && /^↳/ { print; next }
        { explains = 0 }' | head -n 100
    [ "$1" -eq 124 ] && printf 'run-tests: it did not end within half an hour\n'
}

printf '\n'
grep -h 'Test run with' "$logs"/*.log
explain "$others" "$logs/others.log" >&2
explain "$beside" "$logs/processes.log" >&2
[ "$others" -eq 0 ] && [ "$beside" -eq 0 ]
