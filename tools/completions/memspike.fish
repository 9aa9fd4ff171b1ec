# fish completion for memspike; goes to share/fish/vendor_completions.d/memspike.fish.

# UIDs or namespace/name of the pods on this node: a walk over cgroup names, some ms.
function __memspike_pods
    memspike list -q 2>/dev/null | awk -v what=$argv[1] '
        NR == 1 { next }
        what == "uid" { print $3 "\t" $1 "/" $2 }
        what == "name" && $2 != "-" && $2 != "–" { print $1 "/" $2 }' | sort -u
end

function __memspike_in
    __fish_seen_subcommand_from $argv
end

set -l commands record run report list doctor
set -l features bpf btf cgroup_tracepoints current_task_btf fentry kprobe mark_victim \
    rdonly_cast reclaim_tracepoints ring_buffer signal_tracepoint switch_tracepoint task_stack timer tp_btf

complete -c memspike -f
complete -c memspike -s h -l help -d 'Show the options'
complete -c memspike -n "not __memspike_in $commands" -l version -d 'Show the version'
complete -c memspike -n "not __memspike_in $commands" -a record -d 'Trace a pod, a cgroup or a process\'s cgroup'
complete -c memspike -n "not __memspike_in $commands" -a run -d 'Run a command in a memory cgroup of its own'
complete -c memspike -n "not __memspike_in $commands" -a report -d 'Report from a recording'
complete -c memspike -n "not __memspike_in $commands" -a list -d 'Pods and containers on this node'
complete -c memspike -n "not __memspike_in $commands" -a doctor -d 'What this kernel and these privileges allow'

complete -c memspike -n '__memspike_in record' -l pod-uid -x -a '(__memspike_pods uid)' -d 'A pod, by UID or its beginning'
complete -c memspike -n '__memspike_in record' -l pod -x -a '(__memspike_pods name)' -d 'A pod, by name'
complete -c memspike -n '__memspike_in record' -l cgroup -x -a '(__fish_complete_directories)' -d 'A memory cgroup'
complete -c memspike -n '__memspike_in record' -l pid -x -a '(__fish_complete_pids)' -d 'The memory cgroup of a process'
complete -c memspike -n '__memspike_in record report' -l container -x -d 'Report this container only'
complete -c memspike -n '__memspike_in record' -s d -l duration -x -d 'Stop after this long'
complete -c memspike -n '__memspike_in record' -l wait -d 'Start before the target exists'
complete -c memspike -n '__memspike_in run' -l limit -x -d 'Memory limit of the command'
complete -c memspike -n '__memspike_in run' -x -a '(__fish_complete_subcommand)'

complete -c memspike -n '__memspike_in report' -F
complete -c memspike -n '__memspike_in report' -l from -x -d 'Leave out what came before'
complete -c memspike -n '__memspike_in report' -l to -x -d 'Leave out what came after'
complete -c memspike -n '__memspike_in report' -s f -l format -x -a 'text json csv html openmetrics folded pprof' -d 'Output format'
complete -c memspike -n '__memspike_in record run' -s f -l format -x -a 'text json csv html openmetrics perfetto folded pprof' -d 'Output format'
complete -c memspike -n '__memspike_in record run' -l record -rF -d 'Write a recording there'
complete -c memspike -n '__memspike_in list doctor' -s f -l format -x -a 'text json' -d 'Output format'
complete -c memspike -n '__memspike_in record run report' -s o -l output -rF -d 'Write the result there'
complete -c memspike -n '__memspike_in record run' -l csv -rF -d 'Write the timeline as CSV there'
complete -c memspike -n '__memspike_in record run report' -l timeline -d 'Put the timeline into the JSON'
complete -c memspike -n '__memspike_in record run report' -l min-prominence -x -d 'Smallest prominence of a spike'
complete -c memspike -n '__memspike_in record run report' -l dossier-window -x -d 'Time before an OOM kill that is kept'
complete -c memspike -n '__memspike_in record run' -l stacks -d 'Record stacks where the counter rises'
complete -c memspike -n '__memspike_in record run' -l self -d 'Measure what each event costs'
complete -c memspike -n '__memspike_in record run' -l sweep -x -d 'Period of the look at every memcg'
complete -c memspike -n '__memspike_in record run' -l ring -x -d 'Ring buffer, a power of two'
complete -c memspike -n '__memspike_in record run' -l max-memcgs -x -d 'Memcgs tracked at the same time'
complete -c memspike -n '__memspike_in record run' -l tier -x -a 'auto tracepoint charge' -d 'How moves are caught'
complete -c memspike -n '__memspike_in record run doctor' -l disable-feature -x -a "$features" -d 'Do without a kernel feature'
complete -c memspike -n "__memspike_in $commands" -l cgroup-root -x -a '(__fish_complete_directories)' -d 'Where the memory controller is mounted'
complete -c memspike -n "__memspike_in $commands" -l host-root -x -a '(__fish_complete_directories)' -d 'Where the host\'s /proc, /var, /run are'
complete -c memspike -n "__memspike_in $commands" -s q -l quiet -d 'Only errors on stderr'
complete -c memspike -n "__memspike_in $commands" -s v -l verbose -d 'Say what is done and why'
