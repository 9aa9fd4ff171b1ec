#!/usr/bin/env bash
# A pod-shaped cgroup on a machine without Kubernetes, and what tools/quickstart and tools/demo have in common:
# sourced, after `set -euo pipefail`.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ME=$(basename "$0")
BUILD=${MEMSPIKE_BUILD:-$ROOT/build}
MEMSPIKE=$BUILD/src/memspike
WORKLOAD=$BUILD/tools/workload/memspike-workload
LIMIT_BYTES=$((50 * 1024 * 1024))
NAMESPACE=shop
POD=checkout-5d8c7f9b4-x2x7k
CONTAINER=app
# shellcheck disable=SC2034  # for who sources this
readonly ROOT ME BUILD MEMSPIKE WORKLOAD LIMIT_BYTES NAMESPACE POD CONTAINER

scratch=
uid=
pod_path=
pod_dir=
mount=
version=
made=()         # cgroups, parents first
handed_down=()  # cgroup.subtree_control files that "+memory" was written to

# --- talk ---

# shellcheck disable=SC2034  # for who sources this
bold='' dim='' red='' plain=''
set_up_talk() {
  [[ -t 2 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]] || return 0
  # shellcheck disable=SC2034  # for who sources this
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
}

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$ME: $*"
  exit 1
}

now_us() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }

# As kubectl writes it: MiB, rounded down.
mi_of() { printf '%dMi' $(($1 / 1048576)); }

# --- packages, build, privileges ---

# build SET: what of the packages, see tools/install-deps.
build() {
  "$ROOT/tools/install-deps" "$1"
  cd "$ROOT" || die "$ROOT is gone"
  if [[ ! -e $BUILD/build.ninja ]]; then
    say "$ME: configuring in build/"
    cmake --preset default -DMEMSPIKE_TESTS=OFF >&2 || die "cmake could not configure; see above"
  fi
  [[ -x $MEMSPIKE ]] || say "$ME: building; the first time takes a minute or two"
  cmake --build "$BUILD" --target memspike memspike_workload --parallel "$(nproc)" >&2 ||
    die "the build failed; see above (rm -r build starts afresh)"
}

# elevate ARGUMENT…: goes on as root, with these.
elevate() {
  [[ $EUID -ne 0 ]] || return 0
  command -v sudo >/dev/null || die "tracing needs root, and there is no sudo: run this as root"
  say "$ME: tracing needs root: asking sudo"
  exec sudo env "NO_COLOR=${NO_COLOR:-}" "$ROOT/tools/$ME" --built "$@"
}

# --- cgroups ---

# Sets `mount` to where memory is accounted, and `version` to 1 or 2.
find_memory_controller() {
  version=1
  mount=$(findmnt -n -f -t cgroup -O memory -o TARGET) && return
  version=2
  mount=$(findmnt -n -f -t cgroup2 -o TARGET) || die "no cgroup file system is mounted"
  grep -qw memory "$mount/cgroup.controllers" || die "cgroup v2 at $mount has no memory controller"
}

# Makes a cgroup and those above it, from `mount` on, and remembers those that were not there.
make_cgroup() {
  local dir=$mount name names
  IFS=/ read -ra names <<<"$1"
  for name in "${names[@]}"; do
    hand_memory_down "$dir"
    dir=$dir/$name
    [[ ! -d $dir ]] || continue
    mkdir "$dir" 2>/dev/null || die "cannot make a cgroup at $dir: is $mount writable here?"
    made+=("$dir")
    # Before Linux 5.11 a v1 cgroup does not count its children unless told to.
    [[ ! -e $dir/memory.use_hierarchy ]] || write "$dir/memory.use_hierarchy" 1 || true
  done
}

hand_memory_down() {
  local control=$1/cgroup.subtree_control
  [[ $version == 2 ]] || return 0
  ! grep -qw memory "$control" || return 0
  write "$control" +memory ||
    die "cannot enable the memory controller below $1: run this on the host, not in a container"
  handed_down+=("$control")
}

# One write, whose failure is the caller's to judge.
write() { printf '%s' "$2" 2>/dev/null >"$1"; }

# A cgroup can be removed only when its last process is reaped.
remove_cgroup() {
  local try
  for try in {1..50}; do
    # 0 in so many words: in a trap, a bare return would repeat the status from before it.
    rmdir "$1" 2>/dev/null && return 0
    [[ -d $1 && $try -lt 50 ]] || return 1
    sleep 0.02
  done
}

set_limit() {
  if [[ $version == 1 ]]; then
    write "$1/memory.limit_in_bytes" "$LIMIT_BYTES" || die "cannot limit the memory of $1"
    if [[ -e $1/memory.memsw.limit_in_bytes ]]; then
      write "$1/memory.memsw.limit_in_bytes" "$LIMIT_BYTES" || die "cannot limit the swap of $1"
    else
      write "$1/memory.swappiness" 0 || true
    fi
  else
    write "$1/memory.max" "$LIMIT_BYTES" || die "cannot limit the memory of $1"
    [[ ! -e $1/memory.swap.max ]] || write "$1/memory.swap.max" 0 || die "cannot limit the swap of $1"
  fi
}

oom_kills() {
  local file=memory.events
  [[ $version == 2 ]] || file=memory.oom_control
  sed -n 's/^oom_kill //p' "$1/$file"
}

# --- the pod ---

random_uuid() { cat /proc/sys/kernel/random/uuid; }

random_id() {
  local id
  id=$(random_uuid)$(random_uuid)
  printf '%s' "${id//-/}"
}

# Sets `uid`, and `pod_path` below `mount`, which is `pod_dir`.
make_pod() {
  local base=kubepods
  uid=$(random_uuid)
  # A kubelet removes pods that it does not know: stay out of its tree.
  [[ ! -d $mount/kubepods && ! -d $mount/kubepods.slice ]] || base=memspike-$ME/kubepods
  pod_path=$base/burstable/pod$uid
  # shellcheck disable=SC2034  # for who sources this
  pod_dir=$mount/$pod_path
  make_cgroup "$pod_path"
}

# name_container ID TYPE NAME: the file by which containerd says what a container is called, below a root of
# our own.
name_container() {
  local bundle=$scratch/run/containerd/io.containerd.runtime.v2.task/k8s.io/$1
  mkdir -p "$bundle"
  cat >"$bundle/config.json" <<JSON
{"annotations": {
  "io.kubernetes.cri.container-type": "$2",
  "io.kubernetes.cri.container-name": "$3",
  "io.kubernetes.cri.sandbox-name": "$POD",
  "io.kubernetes.cri.sandbox-namespace": "$NAMESPACE",
  "io.kubernetes.cri.sandbox-uid": "$uid"
}}
JSON
}

# start_in CGROUP COMMAND…: in the background, inside that cgroup from its first page on.
start_in() {
  local dir=$1
  shift
  (
    trap - EXIT INT TERM HUP
    printf '%s' "$BASHPID" >"$dir/cgroup.procs"
    exec "$@"
  ) &
}

# All cgroups that were made here.
remove_cgroups() {
  local i
  for ((i = ${#made[@]} - 1; i >= 0; i--)); do
    [[ ! -d ${made[i]} ]] || remove_cgroup "${made[i]}" || say "$ME: ${made[i]} is in use, and stays"
  done
  for ((i = ${#handed_down[@]} - 1; i >= 0; i--)); do
    [[ ! -e ${handed_down[i]} ]] || write "${handed_down[i]}" -memory || true
  done
}
