{{- define "memspike.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains "memspike" .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-memspike" (.Release.Name | trunc 44 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "memspike.serviceAccountName" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else -}}
{{- ternary (include "memspike.fullname" .) "default" .Values.serviceAccount.create -}}
{{- end -}}
{{- end -}}

{{/* By these kubectl-memspike finds the pods, whatever the release is called. */}}
{{- define "memspike.selectorLabels" -}}
app.kubernetes.io/name: memspike
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "memspike.labels" -}}
{{ include "memspike.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "memspike.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Where the node's directories are in the container: with the node's PID namespace its /proc is the node's. */}}
{{- define "memspike.hostRoot" -}}
{{- ternary "" "/host" .Values.hostPID -}}
{{- end -}}

{{/* Name, path on the node, place in the container of what is mounted read-only. */}}
{{- define "memspike.hostMounts" -}}
{{- $root := include "memspike.hostRoot" . -}}
{{- $mounts := list (dict "name" "cgroups" "path" .Values.host.cgroups "at" "/sys/fs/cgroup") -}}
{{- if not .Values.hostPID -}}
{{- $mounts = append $mounts (dict "name" "proc" "path" .Values.host.proc "at" "/proc") -}}
{{- end -}}
{{- $logs := "/var/log/containers" -}}
{{- $mounts = append $mounts (dict "name" "pod-logs" "path" .Values.host.podLogs "at" "/var/log/pods") -}}
{{- $mounts = append $mounts (dict "name" "container-logs" "path" .Values.host.containerLogs "at" $logs) -}}
{{- with .Values.host.runtimeState -}}
{{- $mounts = append $mounts (dict "name" "runtime-state" "path" . "at" .) -}}
{{- end -}}
{{- range $mounts -}}
{{- $_ := set . "at" (printf "%s%s" $root .at) -}}
{{- end -}}
{{- dict "mounts" $mounts | toJson -}}
{{- end -}}

{{/* What depends on metrics that are off. */}}
{{- define "memspike.check" -}}
{{- if not .Values.metrics.enabled -}}
{{- range $name := list "podMonitor" "serviceMonitor" -}}
{{- if (index $.Values.metrics $name).enabled -}}
{{- fail (printf "metrics.%s.enabled scrapes nothing without metrics.enabled" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled -}}
{{- fail "metrics.podMonitor and metrics.serviceMonitor would scrape everything twice: enable one of them" -}}
{{- end -}}
{{- end -}}
