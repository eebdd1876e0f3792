#!/usr/bin/env bash
# Copy the libraries of the tests' Kafka server from Maven Central into a cache outside the tree.
#
#   tools/kafka_server/fetch.sh          fetch what is missing, print the folder
#
# The folder is named after the list (pom.xml), so that another list is another folder. Nothing happens
# when it is there, or when KAFKA_BOOTSTRAP names a broker that runs already.
set -euo pipefail
cd "$(dirname "$0")"

[ -n "${KAFKA_BOOTSTRAP:-}" ] && exit 0

cache=${CARRYTHROUGH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/carrythrough}
libs=$cache/kafka-$(sha256sum pom.xml | cut -c1-12)
if [ -d "$libs" ]; then
  echo "$libs"
  exit 0
fi

if ! command -v mvn >/dev/null 2>&1; then
  echo "Maven is missing, so the tests' Kafka server cannot be fetched." >&2
  echo "Fix: sudo apt-get install maven     (or set KAFKA_BOOTSTRAP to a broker that runs)" >&2
  [ "${CI:-}" = true ] && exit 1
  exit 0
fi

mkdir -p "$cache"
scratch=$(mktemp -d "$cache/fetching.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
# Maven resolves a project into its own `target`; the copy keeps the tree clean.
cp pom.xml "$scratch/"
for try in 1 2 3; do
  if mvn --quiet --batch-mode -f "$scratch/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$scratch/libs"; then
    mv "$scratch/libs" "$libs"
    echo "$libs"
    exit 0
  fi
  sleep $((try * 5))
done
echo "Maven Central could not be read; the tests' Kafka server is not there." >&2
exit 1
