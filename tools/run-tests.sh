#!/usr/bin/env bash
# Runs `swift test` with the arguments given, half an hour at most: a test that never ends must not hold everything
# up. Where tests fail, the last lines say which and why, so that nobody has to search a thousand others.
set -uo pipefail
cd "$(dirname "$0")/.."

log=.build/tests.log
limit=()
command -v timeout >/dev/null && limit=(timeout --kill-after=10 1800)

"${limit[@]}" swift test "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
[ "$status" -eq 0 ] && exit 0

printf '\nrun-tests: what failed (all of it is in %s):\n' "$log" >&2
# Each issue with the lines that explain it; colours are dropped.
sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
    /recorded an issue|error:|Fatal error|crashed/ { print; explains = 1; next }
    explains && /^↳/ { print; next }
    { explains = 0 }' | head -n 100 >&2
[ "$status" -eq 124 ] && printf 'run-tests: it did not end within half an hour\n' >&2
exit "$status"
