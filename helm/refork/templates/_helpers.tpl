{{- /* Names and labels that several templates share. */ -}}

{{- /* At most 63 characters, as a Service's name and a label may have; a release's may have 53. */ -}}
{{- define "refork.name" -}}
{{- $name := contains "refork" .Release.Name | ternary .Release.Name (printf "%s-refork" .Release.Name) -}}
{{- printf "%s-operator" $name | trunc 63 | trimSuffix "-" | replace "." "-" }}
{{- end }}

{{- define "refork.account" -}}
{{ .Values.serviceAccount.name | default (include "refork.name" .) }}
{{- end }}

{{- /* Of [name of the value, its content, the root]: the digest wins, no tag is the chart's appVersion. */ -}}
{{- define "refork.image" -}}
{{- $key := index . 0 }}{{ $image := index . 1 }}{{ $root := index . 2 }}
{{- if kindIs "string" $image }}
{{- fail (printf "%s is no longer a text: set %s.repository, and %s.tag or %s.digest" $key $key $key $key) }}
{{- end }}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}
{{- else }}{{ $image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* Never changed: a Deployment's selector cannot be, and an upgrade would fail. */ -}}
{{- define "refork.selector" -}}
app.kubernetes.io/name: refork-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Of the pod of helm test, which the Service must not find. */ -}}
{{- define "refork.testSelector" -}}
app.kubernetes.io/name: refork-operator-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "refork.ownLabels" -}}
{{ include "refork.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: refork
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* Ours win: selectors rely on them. */ -}}
{{- define "refork.labels" -}}
{{- merge (include "refork.ownLabels" . | fromYaml) (.Values.commonLabels | default dict) | toYaml }}
{{- end }}

{{- /*
Whether a monitor of [kind, value, root] is made: "true" or nothing. Only a cluster lists kinds, so without one (helm template) the
group, as --api-versions gives it, is enough for Auto, and Always is believed.
*/ -}}
{{- define "refork.monitored" -}}
{{- $kind := index . 0 }}{{ $when := (index . 1).enabled }}{{ $known := (index . 2).Capabilities.APIVersions }}
{{- $cluster := $known.Has "v1/Pod" }}
{{- $there := $known.Has (printf "monitoring.coreos.com/v1/%s" $kind) | or (and (not $cluster) ($known.Has "monitoring.coreos.com/v1")) }}
{{- if or (and $there (ne $when "Never")) (and (not $cluster) (eq $when "Always")) }}true{{ end }}
{{- end }}

{{- /* What the operator may do in the namespaces whose pools it manages. docs/operator.md has the same table. */ -}}
{{- define "refork.rules" -}}
# Pools are what it works for. Users write their spec, the operator never does.
- apiGroups: [refork.io]
  resources: [workerpools]
  verbs: [list, watch]
# What it has seen and which permits are out; with the resource version, so that two operators cannot grant the same one.
- apiGroups: [refork.io]
  resources: [workerpools/status]
  verbs: [update]
# The children of a pool: seen by watch, looked up by name before the first write so that nobody else's object is overwritten, written by
# server-side apply (which needs create for a new one). Never deleted by the operator: they go with the pool.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch]
# Where the agents are, and what the kubelet says of their pods.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# What happened to a pool, for kubectl describe; one that is told again is read and counted up.
- apiGroups: [""]
  resources: [events]
  verbs: [create, get, patch]
{{- end }}
