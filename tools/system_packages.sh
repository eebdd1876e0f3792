#!/usr/bin/env bash
# See to the system packages that the tests need and pip cannot install.
#
# Missing, and we are root on a machine with apt-get: install them by name.
# Missing otherwise: say which command installs them. Under CI=true that is a failure; elsewhere
# the tests that need them skip with the same words.
set -euo pipefail

packages=()

has_chromium() {
  local name
  for name in "${CARRYTHROUGH_CHROMIUM:-}" chromium chromium-browser google-chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
    "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
    [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && return 0
  done
  return 1
}

has_library() { # on Linux, where the dynamic linker can be asked
  [ ! -x /sbin/ldconfig ] || /sbin/ldconfig -p | grep -q "$1"
}

# chromium: the page tests click in a real browser. fonts: without one it renders empty boxes.
has_chromium || packages+=(chromium fonts-dejavu-core)
# libatomic1: Playwright, which drives the browser, brings a Node.js that needs it.
has_library 'libatomic\.so\.1' || packages+=(libatomic1)

# The Kafka broker of the tests: Java 17 or newer runs it, Maven fetches it (tools/kafka_server/fetch.sh).
has_java() {
  command -v java >/dev/null 2>&1 &&
    [ "$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)" -ge 17 ] 2>/dev/null
}
if [ -z "${KAFKA_BOOTSTRAP:-}" ]; then
  has_java || packages+=(default-jre-headless)
  command -v mvn >/dev/null 2>&1 || packages+=(maven)
fi

# curl: the examples of the documentation are run as printed.
command -v curl >/dev/null 2>&1 || packages+=(curl)

[ ${#packages[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing system packages: ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  exit 0
fi

echo "Missing system packages: ${packages[*]}"
echo "Fix: sudo apt-get install ${packages[*]}     (macOS: brew install --cask chromium)"
if [ "${CI:-}" = true ]; then
  exit 1
fi
echo "The tests that need them will be skipped."
