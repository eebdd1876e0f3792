#!/usr/bin/env bash
# Print the path of a Python that is new enough, or say clearly what was found and what to do.
# PYTHON=/path/to/python (or `make run PYTHON=...`) overrides the search.
set -u

new_enough='import sys; sys.exit(0 if sys.version_info >= (3, 11) else 1)'
seen=""

for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python; do
  path=$(command -v "$candidate" 2>/dev/null) || continue
  # A version manager's shim may exist for a version that is not installed: only a run tells.
  version=$("$path" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
  if "$path" -c "$new_enough" 2>/dev/null; then
    printf '%s\n' "$path"
    exit 0
  fi
  seen="$seen $candidate=$version"
done

{
  echo "Carrythrough needs Python 3.11 or newer; found:${seen:- no Python at all}."
  echo "Fix, one of:"
  echo "  Debian 12, Ubuntu 24.04:  sudo apt-get install python3 python3-venv"
  echo "  macOS:                    brew install python@3.12"
  echo "  another place:            make run PYTHON=/path/to/python3.12"
} >&2
exit 1
