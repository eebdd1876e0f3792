#!/usr/bin/env bash
# Everything that `make test` checks, in stages, with a table of their times at the end.
#
#   tools/check.sh all  [pytest arguments]    set-up, lint, types, import contracts, tests
#   tools/check.sh lint                       set-up, lint, types, import contracts
#
# A failing stage does not hide the next ones; a failing set-up does, since nothing can follow it.
set -uo pipefail
cd "$(dirname "$0")/.."

what=${1:-all}
[ $# -gt 0 ] && shift
bin=.venv/bin
mkdir -p .cache
log=.cache/pytest.log
rm -f "$log"
table=""
failed=0
began=$SECONDS

record() { # name, exit status, seconds
  local verdict=ok
  if [ "$2" -ne 0 ]; then
    verdict=FAILED
    failed=1
  fi
  table="$table$(printf '  %-24s %-7s %6d s' "$1" "$verdict" "$3")"$'\n'
}

stage() { # name, command...: quiet unless it fails
  local name=$1 start=$SECONDS status output
  shift
  output=$("$@" 2>&1)
  status=$?
  record "$name" "$status" $((SECONDS - start))
  if [ "$status" -eq 0 ]; then
    printf '✓ %s\n' "$name"
  else
    printf '✗ %s\n%s\n' "$name" "$output"
  fi
  return "$status"
}

loud_stage() { # name, command...: its output is the point, or takes long enough to want watching
  local name=$1 start=$SECONDS status
  shift
  printf '▸ %s\n' "$name"
  "$@"
  status=$?
  record "$name" "$status" $((SECONDS - start))
  return "$status"
}

tests() {
  "$bin/pytest" "$@" 2>&1 | tee "$log"
}

finish() {
  printf '\n%s\n%s' "Stages" "$table"
  printf '  %-24s %-7s %6d s\n' "total" "$([ "$failed" -eq 0 ] && echo ok || echo FAILED)" $((SECONDS - began))
  if [ -f "$log" ]; then
    # pytest's own closing line once more, below the table, where it cannot be missed.
    grep -E '^=+ .*(passed|failed|error|no tests ran).* =+$|^[0-9]+ (passed|failed|error).* in ' "$log" | tail -n 1
  fi
  exit "$failed"
}

if [ "$what" = all ]; then
  loud_stage "system packages" tools/system_packages.sh || finish
fi
loud_stage "environment" tools/set_up.sh dev || finish
[ "$what" = all ] && stage "kafka server" tools/kafka_server/fetch.sh

stage "ruff check" "$bin/ruff" check .
stage "ruff format" "$bin/ruff" format --check .
stage "mypy" "$bin/mypy"
stage "import contracts" "$bin/lint-imports"

if [ "$what" = all ]; then
  loud_stage "pytest" tests "$@"
fi
finish
