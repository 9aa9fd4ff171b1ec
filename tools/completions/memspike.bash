# shellcheck shell=bash
# bash completion for memspike; goes to share/bash-completion/completions/memspike.

# UIDs or namespace/name of the pods on this node, one a line: a walk over cgroup names, some ms.
_memspike_pods() {
  # NAMESPACE POD UID …; without a terminal memspike lists in full.
  memspike list -q 2>/dev/null | awk -v what="$1" '
    NR == 1 { next }
    what == "uid" { print $3 }
    what == "name" && $2 != "-" && $2 != "–" { print $1 "/" $2 }' | sort -u
}

_memspike() {
  local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    # What follows "--" is the command's own.
    if [[ $word == -- ]]; then
      type _command_offset &>/dev/null && _command_offset $((i + 1))
      return
    fi
    [[ -n $command || $word == -* ]] || command=$word
  done

  case $previous in
    -f | --format)
      words='text json'
      [[ $command != record && $command != run ]] || words+=' csv html openmetrics perfetto folded pprof'
      [[ $command != report ]] || words+=' csv html openmetrics folded pprof'
      ;;
    --tier) words='auto tracepoint charge' ;;
    --disable-feature)
      words='bpf btf cgroup_tracepoints current_task_btf fentry kprobe mark_victim
        rdonly_cast reclaim_tracepoints ring_buffer signal_tracepoint switch_tracepoint task_stack timer tp_btf'
      ;;
    --pod-uid) words=$(_memspike_pods uid) ;;
    --pod) words=$(_memspike_pods name) ;;
    --pid) words=$(cd /proc && printf '%s ' [0-9]*) ;;
    -o | --output | --csv | --record | report)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
      ;;
    --cgroup | --cgroup-root | --host-root)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      return
      ;;
    --container | --from | --to | -d | --duration | --min-prominence | --dossier-window | --sweep | --ring | --max-memcgs | --limit) return ;;
    *)
      local common='-h --help --cgroup-root --host-root -q --quiet -v --verbose'
      local output='-f --format -o --output --record --csv --timeline'
      local trace='--min-prominence --stacks --self --dossier-window --sweep --ring --max-memcgs --tier --disable-feature'
      case $command in
        '') words='record run report list doctor -h --help --version' ;;
        report)
          words='-f --format -o --output --from --to --container --min-prominence --dossier-window --timeline -h --help -q --quiet -v --verbose'
          ;;
        record)
          words="--pod-uid --pod --cgroup --pid --container -d --duration --wait $output $trace $common"
          ;;
        run) words="--limit $output $trace $common --" ;;
        list) words="-f --format $common" ;;
        doctor) words="-f --format --disable-feature $common" ;;
      esac
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _memspike memspike
