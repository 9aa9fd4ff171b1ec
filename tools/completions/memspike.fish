# fish completion for memspike; goes to share/fish/vendor_completions.d/memspike.fish.

# UIDs, names or containers of the pods on this node: a walk over cgroup names, some ms. Without a terminal
# memspike lists in full: NAMESPACE POD UID QOS CONTAINER …
function __memspike_list
    set -l pod (__memspike_value_of --pod --pod-uid)
    set -l words (__memspike_words)
    $words[1] list -q 2>/dev/null | awk -v what=$argv[1] -v pod="$pod" '
        NR == 1 { next }
        { name = ($2 == "-" || $2 == "–") ? "" : $1 "/" $2 }
        what == "uid" { print $3 "\t" name }
        what == "pod" && name != "" { print name }
        what == "container" && $5 !~ /^[(–-]/ && (pod == "" || pod == name || index($3, pod) == 1) { print $5 "\t" name }' | sort -u
end

function __memspike_words
    commandline -opc
end

# The value that one of these options was given, as the next word or behind "=".
function __memspike_value_of
    set -l words (__memspike_words)
    for i in (seq (count $words))
        for option in $argv
            if test "$words[$i]" = $option; and test $i -lt (count $words)
                echo $words[(math $i + 1)]
            else if string match -q -- "$option=*" $words[$i]
                string replace -- "$option=" '' $words[$i]
            end
        end
    end
end

# Cgroups by their path below the mount, as memspike takes them.
function __memspike_cgroups
    set -l root (__memspike_value_of --cgroup-root)
    if test -z "$root"
        set root /sys/fs/cgroup
        test -e $root/memory/memory.usage_in_bytes; and set root $root/memory
    end
    set root (string trim -r -c / -- $root[1])
    set -l word (string replace -r '^--[a-z-]+=' '' -- (commandline -ct))
    set -l word (string trim -l -c / -- $word)
    for directory in $root/$word*/
        string replace -- $root '' (string trim -r -c / -- $directory)
    end
end

# The word of `run` where its command begins: after "--", or at the first word that is neither an option nor
# an option's value. Nothing: not there yet.
function __memspike_command_at
    set -l words (__memspike_words)
    set -l skip 0
    for i in (seq 3 (count $words))
        if test $skip = 1
            set skip 0
        else if test "$words[$i]" = --
            math $i + 1
            return
        else if string match -q -- '-*' $words[$i]
            string match -qr -- '^(-[fo]|--(format|output|record|csv|min-prominence|dossier-window|sweep|ring|max-memcgs|detail|tier|disable-feature|cgroup-root|host-root|limit|fail-if))$' $words[$i]; and set skip 1
        else
            echo $i
            return
        end
    end
end

# What follows `run` and its options is another command's line.
function __memspike_subcommand
    set -l at (__memspike_command_at)
    set -l words (__memspike_words)
    set -l word (commandline -ct)
    if test -z "$at"; or test $at -gt (count $words)
        complete -C "$word"
    else
        complete -C (string join ' ' -- (string escape -- $words[$at..-1]))" $word"
    end
end

# Whether one of these commands is there, and it is its own options that may follow.
function __memspike_in
    set -l words (__memspike_words)
    set -q words[2]; and contains -- $words[2] $argv; or return 1
    test $words[2] != run; or test -z "$(__memspike_command_at)"
end

function __memspike_needs_command
    test (count (__memspike_words)) -eq 1
end

function __memspike_runs
    set -l words (__memspike_words)
    test "$words[2]" = run
end

set -l features bpf btf cgroup_tracepoints charge_batches current_task_btf fentry kprobe mark_victim \
    rdonly_cast reclaim_tracepoints ring_buffer signal_tracepoint switch_tracepoint task_stack timer tp_btf

complete -c memspike -f
complete -c memspike -n __memspike_needs_command -l version -d 'Show the version'
complete -c memspike -n '__memspike_needs_command; or __memspike_in record run report list doctor serve why kills last status' -s h -l help -d 'Show the options'
complete -c memspike -n __memspike_needs_command -a record -d 'Trace a pod, a cgroup or a process\'s cgroup'
complete -c memspike -n __memspike_needs_command -a run -d 'Run a command in a memory cgroup of its own'
complete -c memspike -n __memspike_needs_command -a report -d 'Report from a recording'
complete -c memspike -n __memspike_needs_command -a list -d 'Pods and containers on this node'
complete -c memspike -n __memspike_needs_command -a doctor -d 'What this kernel and these privileges allow'
complete -c memspike -n __memspike_needs_command -a serve -d 'Watch every container of this node, and answer'
complete -c memspike -n __memspike_needs_command -a why -d 'Why a pod or container died last'
complete -c memspike -n __memspike_needs_command -a kills -d 'The OOM kills that the service knows of'
complete -c memspike -n __memspike_needs_command -a last -d 'The last minute of a pod or container'
complete -c memspike -n __memspike_needs_command -a status -d 'What the service costs, keeps and lost'
complete -c memspike -n __memspike_needs_command -a help -d 'Show the options of a command'
complete -c memspike -n '__memspike_in help' -a 'record run report list doctor serve why kills last status'

complete -c memspike -n '__memspike_in record why kills last' -a '(__memspike_list pod; __memspike_list container)'
complete -c memspike -n '__memspike_in record; and string match -q "/*" -- (commandline -ct)' -a '(__memspike_cgroups)'
complete -c memspike -n '__memspike_in record' -l pod-uid -x -a '(__memspike_list uid)' -d 'A pod, by UID or its beginning'
complete -c memspike -n '__memspike_in record' -l pod -x -a '(__memspike_list pod)' -d 'A pod, by name'
complete -c memspike -n '__memspike_in record' -l cgroup -x -a '(__memspike_cgroups)' -d 'A memory cgroup'
complete -c memspike -n '__memspike_in record' -l name -x -d 'A container of Docker, Podman, LXC or Nomad'
complete -c memspike -n '__memspike_in record' -l unit -x -d 'A service of systemd'
complete -c memspike -n '__memspike_in record' -l pid -x -a '(__fish_complete_pids)' -d 'The memory cgroup of a process'
complete -c memspike -n '__memspike_in record' -l container -x -a '(__memspike_list container)' -d 'Report this container only'
complete -c memspike -n '__memspike_in report' -l container -x -d 'Report this container only'
complete -c memspike -n '__memspike_in record' -s d -l duration -x -d 'Stop after this long'
complete -c memspike -n '__memspike_in record' -l wait -d 'Start before the target exists'
complete -c memspike -n '__memspike_in run' -l limit -x -d 'Memory limit of the command'
complete -c memspike -n '__memspike_in run' -l fail-on-oom -d 'Exit with 5 after an OOM kill'
complete -c memspike -n '__memspike_in run' -l fail-if -x -d 'Exit with 5 if this holds'
complete -c memspike -n __memspike_runs -a '(__memspike_subcommand)'

complete -c memspike -n '__memspike_in report' -F
complete -c memspike -n '__memspike_in report' -l from -x -d 'Leave out what came before'
complete -c memspike -n '__memspike_in report' -l to -x -d 'Leave out what came after'
complete -c memspike -n '__memspike_in report' -l session -x -d 'Report one of several'
complete -c memspike -n '__memspike_in report' -s f -l format -x -a 'text json csv html openmetrics folded pprof' -d 'Output format'
complete -c memspike -n '__memspike_in record run last' -s f -l format -x -a 'text json csv html openmetrics perfetto folded pprof' -d 'Output format'
complete -c memspike -n '__memspike_in record run' -l record -rF -d 'Write a recording there'
complete -c memspike -n '__memspike_in list doctor why kills status' -s f -l format -x -a 'text json' -d 'Output format'
complete -c memspike -n '__memspike_in record run report last' -s o -l output -rF -d 'Write the result there'
complete -c memspike -n '__memspike_in record run' -l csv -rF -d 'Write the timeline as CSV there'
complete -c memspike -n '__memspike_in record run report last' -l timeline -d 'Put the timeline into the JSON'
complete -c memspike -n '__memspike_in record run report last' -l full -d 'Every part of the text report'
complete -c memspike -n '__memspike_in record run report last' -l section -xa 'usage picture kills advice blind-spot spikes who histograms stacks rest recording' -d 'Only that part'
complete -c memspike -n '__memspike_in report' -l spike -x -d 'Of the stacks those of the spike at that moment'
complete -c memspike -n '__memspike_in record run report last' -l kernel-frames -d 'Of stacks show every function of the kernel'
complete -c memspike -n '__memspike_in record run report' -l min-prominence -x -d 'Smallest prominence of a spike'
complete -c memspike -n '__memspike_in record run report' -l dossier-window -x -d 'Time before an OOM kill that is kept'
complete -c memspike -n '__memspike_in record run' -l stacks -a 'auto fp dwarf' -d 'Record stacks where the counter rises'
complete -c memspike -n '__memspike_in record run' -l self -d 'Measure what each event costs'
complete -c memspike -n '__memspike_in record run' -l sweep -x -d 'Period of the look at every memcg'
complete -c memspike -n '__memspike_in record run' -l ring -x -d 'Ring buffer, a power of two'
complete -c memspike -n '__memspike_in record run serve' -l max-memcgs -x -d 'Memcgs tracked at the same time'
complete -c memspike -n '__memspike_in record run serve' -l detail -x -a 'pages charges sweep auto' -d 'How much is watched'
complete -c memspike -n '__memspike_in record run' -l tier -x -a 'auto tracepoint charge' -d 'How moves are caught'
complete -c memspike -n '__memspike_in record run doctor' -l disable-feature -x -a "$features" -d 'Do without a kernel feature'
complete -c memspike -n '__memspike_in record run list doctor serve' -l cgroup-root -x -a '(__fish_complete_directories)' -d 'Where the memory controller is mounted'
complete -c memspike -n '__memspike_in record run list doctor serve' -l host-root -x -a '(__fish_complete_directories)' -d 'Where the host\'s /proc, /var, /run are'
complete -c memspike -n '__memspike_in record run report list doctor serve why kills last status' -s q -l quiet -d 'Only errors on stderr'
complete -c memspike -n '__memspike_in record run report list doctor serve why kills last status' -s v -l verbose -d 'Say what is done and why'

complete -c memspike -n '__memspike_in serve' -l scope -x -a 'pods containers services all' -d 'What is watched'
complete -c memspike -n '__memspike_in serve' -l namespace -x -d 'Only pods of these namespaces'
complete -c memspike -n '__memspike_in serve' -l exclude -x -d 'Not these'
complete -c memspike -n '__memspike_in serve' -l stacks -x -a 'auto fp dwarf off' -d 'Stacks while it looks closer'
complete -c memspike -n '__memspike_in serve' -l keep -x -d 'Time before a kill that is kept'
complete -c memspike -n '__memspike_in serve' -l keep-after -x -d 'And after it'
complete -c memspike -n '__memspike_in serve' -l memory -x -d 'Memory of the flight recorder'
complete -c memspike -n '__memspike_in serve' -l data-dir -x -a '(__fish_complete_directories)' -d 'Where dossiers are kept'
complete -c memspike -n '__memspike_in serve' -l dossiers -x -d 'How many are kept'
complete -c memspike -n '__memspike_in serve' -l dossier-bytes -x -d 'How much room they take'
complete -c memspike -n '__memspike_in serve' -l metrics -x -d 'Answer /metrics there, too'
complete -c memspike -n '__memspike_in serve' -l page -d 'Show the node at a glance there, too'
complete -c memspike -n '__memspike_in serve' -l redact -d 'Keep no command lines'
complete -c memspike -n '__memspike_in serve' -l log-format -x -a 'text json' -d 'How the log looks'
complete -c memspike -n '__memspike_in serve' -l moves-per-second -x -d 'Moves of a container that are told one by one'
complete -c memspike -n '__memspike_in serve' -l config -rF -d 'Read options from a file'
complete -c memspike -n '__memspike_in list serve why kills last status' -l socket -rF -d 'Where the service answers'
complete -c memspike -n '__memspike_in kills' -l since -x -d 'Only of the time since then'
complete -c memspike -n '__memspike_in last' -l for -x -d 'How much of it'
