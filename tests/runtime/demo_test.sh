#!/usr/bin/env bash
# demo_test.sh SOURCE BUILD: the demo says what it should, and nothing of it is left, however it ends.
set -euo pipefail
SOURCE=$1
export MEMSPIKE_BUILD=$2 TMPDIR
TMPDIR=$(mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  cat "$TMPDIR/out" "$TMPDIR/err" >&2
  exit 1
}

says() { grep -qF -- "$1" "$TMPDIR/out" || fail "it does not say: $1"; }

# What the demo has made is in directories of this one's, and in cgroups that name them.
left_over() {
  find "$TMPDIR" -mindepth 1 -maxdepth 1 -type d
  pgrep -f "$TMPDIR/" || true
}

"$SOURCE/tools/demo" --built --lives 1 >"$TMPDIR/out" 2>"$TMPDIR/err" || fail "it failed: $?"
says '{container="app", limit="own", pod="checkout-5d8c7f9b4-x2x7k"} => 1'
says '=> 50' # MiB: the limit, to the byte
says 'ALERTS{alertname="ContainerKilledByItsLimit", alertstate="firing", container="app", namespace="shop"'
says 'shop/checkout-5d8c7f9b4-x2x7k/app was OOM-killed by its own limit  active'
[[ -z $(left_over) ]] || fail "left over: $(left_over)"

# Until Ctrl-C; in a shell without job control a child of it would ignore that.
set -m
"$SOURCE/tools/demo" --built --lives 1 --keep >"$TMPDIR/out" 2>"$TMPDIR/err" &
demo=$!
for ((try = 0; try < 900; try++)); do
  ! grep -q 'Ctrl-C ends' "$TMPDIR/err" || break
  kill -0 "$demo" 2>/dev/null || fail "it did not stay"
  sleep 0.1
done
url=$(sed -n 's/^ *\(http:[^ ]*\)\/graph .*/\1/p' "$TMPDIR/err")
[[ $(promtool query instant "$url" 'sum(memspike_container_oom_kills_total)') == *'=> 1 '* ]] ||
  fail "nobody answers on $url"
kill -INT -- "-$demo"
code=0
wait "$demo" || code=$?
((code == 130)) || fail "Ctrl-C: exit code $code"
[[ -z $(left_over) ]] || fail "left over: $(left_over)"
