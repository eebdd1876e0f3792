#!/usr/bin/env bash
# Make .venv hold exactly what a lock file says, plus this project itself (editable).
#
#   tools/set_up.sh run    what the product needs      (requirements.lock)
#   tools/set_up.sh dev    that, and tests and linters (requirements-dev.lock)
#
# Safe to run again and again: a stamp inside .venv holds the hash of the lock and of pyproject.toml,
# and nothing happens while it is unchanged. All packages are installed with their hashes checked.
set -euo pipefail
cd "$(dirname "$0")/.."

flavour=${1:-run}
case "$flavour" in
  run) lock=requirements.lock ;;
  dev) lock=requirements-dev.lock ;;
  *) echo "usage: tools/set_up.sh run|dev" >&2; exit 2 ;;
esac

venv=.venv
python=$venv/bin/python

fingerprint() {
  "$python" - "$1" pyproject.toml <<'PY'
import hashlib, os, sys
digest = hashlib.sha256(f"{sys.version_info[:2]} {os.getcwd()}".encode())
for name in sys.argv[1:]:
    digest.update(open(name, "rb").read())
print(digest.hexdigest())
PY
}

# The last line of the stamp tells which hash was installed; a moved folder counts as changed,
# because scripts in a virtual environment carry its path.
if [ -x "$python" ] && print=$(fingerprint "$lock" 2>/dev/null) &&
  [ "$(cat "$venv/.installed-$flavour" 2>/dev/null)" = "$print" ]; then
  exit 0
fi

base=$(tools/find_python.sh)

if ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
  # Debian splits the venv module off into a package of its own.
  package="python$("$base" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing $package (the venv module of $base)"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
  else
    echo "$base has no venv module." >&2
    echo "Fix: sudo apt-get install $package     (then run the same command again)" >&2
    exit 1
  fi
fi

# An environment that was copied from elsewhere has scripts that point there; one whose Python has gone
# cannot run at all. Both are rebuilt.
if [ -e "$venv" ] && ! { "$python" -c '' && grep -qF "$(pwd -P)/$venv/" "$venv/bin/pip"; } 2>/dev/null; then
  echo "Rebuilding $venv: it was made elsewhere, or its Python has gone"
  rm -rf "$venv"
fi
if [ ! -e "$venv" ]; then
  echo "Making $venv with $("$base" --version) ($base)"
  "$base" -m venv "$venv"
fi

count=$(grep -c '^[A-Za-z0-9]' "$lock")
echo "Installing what $lock lists ($count packages, hashes checked); this takes up to a minute once"
"$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

fingerprint "$lock" >"$venv/.installed-$flavour"
if [ "$flavour" = dev ]; then # the development lock contains the runtime lock
  fingerprint requirements.lock >"$venv/.installed-run"
fi
