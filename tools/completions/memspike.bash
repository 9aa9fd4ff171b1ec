# shellcheck shell=bash
# bash completion for memspike; goes to share/bash-completion/completions/memspike.

# Adds those of the lines on stdin that begin with the word. Not by compgen -W, which expands what it is
# given: names of pods and cgroups are other people's.
_memspike_add() {
  local line
  while IFS= read -r line; do
    [[ $line != "$1"* ]] || COMPREPLY+=("$line")
  done
}

_memspike_words() { _memspike_add "$1" < <(printf '%s\n' "${@:2}"); }

# One a line: UIDs, names or containers of the pods on this node. A walk over cgroup names, some ms.
# Without a terminal memspike lists in full: NAMESPACE POD UID QOS CONTAINER …
_memspike_list() {
  "${COMP_WORDS[0]}" list -q 2>/dev/null | awk -v what="$1" -v pod="$2" '
    NR == 1 { next }
    { name = ($2 == "-" || $2 == "–") ? "" : $1 "/" $2 }
    what == "uid" { print $3 }
    what == "pod" && name != "" { print name }
    what == "container" && $5 !~ /^[(–-]/ && (pod == "" || pod == name || index($3, pod) == 1) { print $5 }' | sort -u
}

_memspike_files() {
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "$2" -- "$1")
}

# Cgroups by their path below the mount, as memspike takes them; by their full path, too.
_memspike_cgroups() {
  local word=$1 root=$2 directory
  if [[ -z $root ]]; then
    root=/sys/fs/cgroup
    [[ ! -e $root/memory/memory.usage_in_bytes ]] || root+=/memory
  fi
  root=${root%/}
  [[ $word != "$root"* ]] || { _memspike_files "$word" -d && return; }
  while IFS= read -r directory; do
    COMPREPLY+=("${directory#"$root"}")
  done < <(compgen -d -- "$root/${word#/}")
  # One that holds others goes on.
  ((${#COMPREPLY[@]} == 1)) && [[ -n $(compgen -d -- "$root${COMPREPLY[0]}/") ]] || return 0
  COMPREPLY=("${COMPREPLY[0]}/")
  compopt -o nospace
}

# The values of an option; false: it is none that takes one.
_memspike_value() {
  local option=$1 word=$2 command=$3 pod=$4 root=$5
  case $option in
    -f | --format)
      case $command in
        list | doctor | why | kills | status) _memspike_words "$word" text json ;;
        report) _memspike_words "$word" text json csv html openmetrics folded pprof ;;
        *) _memspike_words "$word" text json csv html openmetrics perfetto folded pprof ;;
      esac
      ;;
    --detail) _memspike_words "$word" pages charges sweep auto ;;
    --stacks)
      [[ $command == serve ]] || return 1
      _memspike_words "$word" auto fp dwarf off
      ;;
    --scope) _memspike_words "$word" pods containers services all ;;
    --log-format) _memspike_words "$word" text json ;;
    --socket | --config) _memspike_files "$word" -f ;;
    --data-dir) _memspike_files "$word" -d ;;
    --tier) _memspike_words "$word" auto tracepoint charge ;;
    --section)
      _memspike_words "$word" usage picture kills advice blind-spot spikes who histograms stacks rest recording
      ;;
    --disable-feature)
      _memspike_words "$word" bpf btf cgroup_tracepoints charge_batches current_task_btf fentry kprobe mark_victim \
        rdonly_cast reclaim_tracepoints ring_buffer signal_tracepoint switch_tracepoint task_stack timer tp_btf
      ;;
    --pod-uid) _memspike_add "$word" < <(_memspike_list uid) ;;
    --pod) _memspike_add "$word" < <(_memspike_list pod) ;;
    --container) [[ $command == report ]] || _memspike_add "$word" < <(_memspike_list container "$pod") ;;
    --pid) _memspike_add "$word" < <(cd /proc && printf '%s\n' [0-9]*) ;;
    -o | --output | --csv | --record) _memspike_files "$word" -f ;;
    --cgroup-root | --host-root) _memspike_files "$word" -d ;;
    --cgroup) _memspike_cgroups "$word" "$root" ;;
    -d | --duration | --from | --to | --spike | --session | --min-prominence | --dossier-window | --sweep | --ring | --max-memcgs | \
      --limit | --fail-if | --namespace | --exclude | --keep | --keep-after | --memory | --dossiers | --dossier-bytes | \
      --metrics | --since | --for | --name | --unit | --moves-per-second) ;;
    *) return 1 ;;
  esac
}

_memspike_options() {
  local common='-h --help --cgroup-root --host-root -q --quiet -v --verbose'
  local output='-f --format -o --output --record --csv --timeline --full --section --kernel-frames'
  local trace='--min-prominence --stacks --self --dossier-window --sweep --ring --max-memcgs --detail --tier --disable-feature'
  local options
  case $2 in
    '') options='-h --help --version' ;;
    record) options="--pod-uid --pod --name --unit --cgroup --pid --container -d --duration --wait $output $trace $common" ;;
    run) options="--limit --fail-on-oom --fail-if $output $trace $common --" ;;
    report)
      options='-f --format -o --output --from --to --spike --session --container --min-prominence --dossier-window --timeline'
      options+=' --full --section --kernel-frames'
      options+=' -h --help -q --quiet -v --verbose'
      ;;
    list) options="-f --format --socket $common" ;;
    doctor) options="-f --format --disable-feature $common" ;;
    serve)
      options='--scope --namespace --exclude --detail --stacks --keep --keep-after --memory --data-dir --dossiers --dossier-bytes'
      options+=" --socket --metrics --page --redact --log-format --max-memcgs --moves-per-second --config $common"
      ;;
    why | status) options='-f --format --socket -h --help -q --quiet -v --verbose' ;;
    kills) options='-f --format --since --socket -h --help -q --quiet -v --verbose' ;;
    last) options='-f --format -o --output --for --timeline --full --section --kernel-frames --socket -h --help -q --quiet -v --verbose' ;;
  esac
  # shellcheck disable=SC2086  # one word each
  _memspike_words "$1" $options
}

# What follows `run` and its options is another command's line.
_memspike_command() {
  if ((COMP_CWORD == $1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "$2")
    [[ $2 != */* ]] || _memspike_files "$2" -f
  elif type _command_offset &>/dev/null; then
    _command_offset "$1"
  else
    compopt -o default
  fi
}

_memspike() {
  local word=${COMP_WORDS[COMP_CWORD]} command='' option='' pod='' root='' i w named='' prefix=''
  COMPREPLY=()
  for ((i = 1; i <= COMP_CWORD; i++)); do
    w=${COMP_WORDS[i]}
    # "--format=json" is three words to bash.
    if [[ $w == = && -n $option ]]; then
      ((i < COMP_CWORD)) || word=''
      continue
    fi
    ((i < COMP_CWORD)) || break
    if [[ -n $option ]]; then
      case $option in
        --pod | --pod-uid) pod=$w ;;
        --cgroup-root) root=$w ;;
      esac
      option=''
    elif [[ $w == -- && $command == run ]]; then
      _memspike_command $((i + 1)) "$word"
      return
    elif [[ $w == -* ]]; then
      case $w in
        -f | -o | -d | --format | --output | --record | --csv | --min-prominence | --dossier-window | --sweep | \
          --ring | --max-memcgs | --detail | --tier | --disable-feature | --cgroup-root | --host-root | \
          --pod-uid | --pod | --name | --unit | --cgroup | --pid | --container | --duration | --from | --to | --session | --limit | --fail-if | --section | \
          --scope | --namespace | --exclude | --keep | --keep-after | --memory | --data-dir | --dossiers | --dossier-bytes | \
          --socket | --metrics | --log-format | --config | --since | --for | --moves-per-second) option=$w ;;
      esac
    elif [[ -z $command ]]; then
      command=$w
    elif [[ $command == run ]]; then
      _memspike_command "$i" "$word"
      return
    else
      named=$w
    fi
  done
  # Where "=" parts no words.
  if [[ -z $option && $word == --*=* ]]; then
    option=${word%%=*}
    prefix=$option=
    word=${word#*=}
  fi
  if [[ -n $option ]]; then
    _memspike_value "$option" "$word" "$command" "$pod" "$root"
    COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
    return
  fi
  if [[ $word == -* ]]; then
    _memspike_options "$word" "$command"
    return
  fi
  case $command in
    '') _memspike_words "$word" record run report list doctor serve why kills last status help ;;
    help) _memspike_words "$word" record run report list doctor serve why kills last status ;;
    run) _memspike_command "$COMP_CWORD" "$word" ;;
    report) [[ -n $named ]] || _memspike_files "$word" -f ;;
    record | why | kills | last)
      [[ -z $named ]] || return
      if [[ $word == /* ]]; then _memspike_cgroups "$word" "$root"; else
        _memspike_add "$word" < <(_memspike_list pod && _memspike_list container)
      fi
      ;;
  esac
}

complete -F _memspike memspike
