#!/usr/bin/env bash
# What the tests of packages have in common: sourced, after `set -euo pipefail`.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PACKAGE=$ROOT/tools/package
BUILT=$ROOT/build-packages
# Where memspike was built as it ships.
SHIPPED=${MEMSPIKE_SHIPPED:-$ROOT/build-ship}
# shellcheck disable=SC2034  # for who sources this
readonly ROOT PACKAGE BUILT SHIPPED
checks=0

say() { printf '%s\n' "$*"; }

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# check WHAT COMMAND…: says it, or what the command said, and ends.
check() {
  local what=$1 said
  shift
  said=$("$@" 2>&1) || fail "$what: ${said:-$* failed}"
  checks=$((checks + 1))
  say "ok      $what"
}

# refuses COMMAND…: it fails.
refuses() { ! "$@"; }

# says PATTERN COMMAND…: succeeds, and a line of its output matches.
says() {
  local pattern=$1 output
  shift
  output=$("$@" 2>&1) || { say "$output" && return 1; }
  grep -Eq -- "$pattern" <<<"$output" || { say "nothing like '$pattern' in: $output" && return 1; }
}

# within SECONDS COMMAND…: until it succeeds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

# Folders made here go at the end, with what is still mounted in them; then `at_end`, if there is one, was called.
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/memspike-packages-XXXXXX")
leave() {
  local status=$? mounted
  set +e
  ! declare -F at_end >/dev/null || at_end
  while read -r mounted; do umount -l "$mounted"; done < <(cut -d' ' -f2 /proc/self/mounts | grep "^$SCRATCH/" | sort -r)
  rm -rf --one-file-system "$SCRATCH"
  ((status != 0)) || say "$(basename "$0"): all $checks checks passed"
  exit "$status"
}
trap leave EXIT
