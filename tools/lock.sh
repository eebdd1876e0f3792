#!/usr/bin/env bash
# Resolve pyproject.toml into the two lock files: exact versions with hashes, for Linux and macOS on
# Python 3.11 to 3.13, with no registry address and no local path in them.
#
#   tools/lock.sh                 keep the versions that still fit
#   tools/lock.sh --upgrade       take the newest of everything
#   tools/lock.sh --check         fail when the locks do not match pyproject.toml, change nothing
set -euo pipefail
cd "$(dirname "$0")/.."

uv_version=0.13.9 # the resolver is pinned too: another one may write the file differently
tool=.cache/uv-$uv_version
if [ ! -x "$tool/bin/uv" ]; then
  "$(tools/find_python.sh)" -m venv "$tool"
  "$tool/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
fi

check=no
if [ "${1:-}" = --check ]; then
  check=yes
  shift
fi

resolve() { # output, further arguments
  local output=$1
  shift
  "$tool/bin/uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file "$output" "$@" >/dev/null
}

dev=requirements-dev.lock
run=requirements.lock
if [ "$check" = yes ]; then
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  cp "$dev" "$run" "$scratch/"
  dev=$scratch/$dev
  run=$scratch/$run
fi

resolve "$dev" --all-extras --group dev "$@"
# The runtime lock is a subset of the other: the product runs on exactly what was tested.
resolve "$run" --group build --constraint "$dev" "$@"

if [ "$check" = yes ]; then
  cmp requirements-dev.lock "$dev" && cmp requirements.lock "$run" || {
    echo "The locks do not match pyproject.toml. Fix: make lock" >&2
    exit 1
  }
fi

if grep -nE 'https?://|file:|^--(index|extra-index|find-links)' "$dev" "$run"; then
  echo "A lock names an address or a path; it must hold names, versions and hashes only." >&2
  exit 1
fi
