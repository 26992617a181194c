"""The operator itself: does it lead, does it keep up, what do the API server and the agents make of it?"""

from __future__ import annotations

from grafana import Board, mark, query, series, stat, steps, variable, words
from tables import column, table

OPERATOR = 'namespace=~"$installation"'


def board() -> Board:
    b = Board(
        "refork-operator",
        "Refork / Operator",
        "The operator itself: does it lead, does it keep up, what do the API server and the agents make of it.",
        [
            variable(
                "installation",
                "Operator's namespace",
                "label_values(refork_operator_leader, namespace)",
                many=True,
            )
        ],
        [
            mark(
                "New leader",
                "blue",
                f"""(refork_operator_leader{{{OPERATOR}}} == 1)
                unless (refork_operator_leader{{{OPERATOR}}} offset 1m == 1)""",
                "{{pod}} leads",
            )
        ],
    )
    fine(b)
    passes(b)
    agents(b)
    process(b)
    return b


def fine(b: Board) -> None:
    b.row("Is it fine?")
    b.add(
        4,
        4,
        stat(
            "Leads",
            "none",
            "Operators that lead: one for each installation. None: pods serve on, but nothing new happens.",
            query(f"sum(refork_operator_leader{{{OPERATOR}}})"),
            thresholds=steps("red", (1, "green")),
            mappings=words({0: ("nobody", "red")}),
            noValue="nobody",
            graph=False,
        ),
        stat(
            "Running",
            "none",
            "Operators that run; all but the leader wait.",
            query(f"count(refork_operator_leader{{{OPERATOR}}})"),
            noValue="none",
            graph=False,
        ),
        stat(
            "Failed passes",
            "none",
            "Passes over a pool that ended by an error, in the last hour. Each is tried again.",
            query(f"sum(increase(refork_reconcile_failures_total{{{OPERATOR}}}[1h]))"),
            thresholds=steps("green", (1, "orange"), (20, "red")),
            mappings=words({0: ("none", "green")}),
            decimals=0,
            noValue="unknown",
        ),
        stat(
            "A pass takes",
            "s",
            "99 of 100 passes over a pool are quicker than this.",
            query(
                f"""histogram_quantile(0.99,
                sum by (le) (rate(refork_reconcile_duration_seconds_bucket{{{OPERATOR}}}[$__rate_interval])))"""
            ),
            thresholds=steps("green", (0.25, "orange"), (1, "red")),
            mappings=words({}, nan="no passes"),
            noValue="unknown",
        ),
        stat(
            "Agents that answer",
            "percentunit",
            "Part of the requests to agents that were answered by a report.",
            query(
                f"""sum(rate(refork_agent_requests_total{{{OPERATOR}, outcome="ok"}}[$__rate_interval]))
                / sum(rate(refork_agent_requests_total{{{OPERATOR}}}[$__rate_interval]))"""
            ),
            thresholds=steps("red", (0.95, "orange"), (0.99, "green")),
            mappings=words({}, nan="no agents"),
            noValue="unknown",
            decimals=1,
        ),
        stat(
            "Permits out",
            "none",
            "Permits to refork that are granted and not used up.",
            query(f'sum(refork_permits{{{OPERATOR}, state="granted"}})'),
            noValue="unknown",
        ),
    )
    b.add(
        12,
        8,
        series(
            "Pools by status",
            "none",
            "Pools by the word of their STATUS column, as in kubectl get wp.",
            query(f"sum by (status) (refork_pools{{{OPERATOR}}}) > 0", "{{status}}"),
            stacked=True,
            legend="table",
            decimals=0,
        ),
        series(
            "Permits",
            "none",
            "Permits that are out, and pods that refork. Pods above permits: somebody reforks without asking.",
            query(f"sum by (state) (refork_permits{{{OPERATOR}}})", "{{state}}"),
            decimals=0,
        ),
    )


def passes(b: Board) -> None:
    b.row("Does it keep up?")
    b.add(
        8,
        8,
        series(
            "How long a pass takes",
            "s",
            "One pass over a pool; agents are asked elsewhere. Half of them, and 99 of 100, are quicker.",
            query(
                f"""histogram_quantile(0.99,
                sum by (le) (rate(refork_reconcile_duration_seconds_bucket{{{OPERATOR}}}[$__rate_interval])))""",
                "99 %",
            ),
            query(
                f"""histogram_quantile(0.5,
                sum by (le) (rate(refork_reconcile_duration_seconds_bucket{{{OPERATOR}}}[$__rate_interval])))""",
                "50 %",
            ),
            thresholds=steps("transparent", (0.25, "orange")),
        ),
        series(
            "Passes",
            "ops",
            "Passes over pools, and those that ended by an error. Each of those is tried again.",
            query(
                f"sum(rate(refork_reconcile_duration_seconds_count{{{OPERATOR}}}[$__rate_interval]))", "all"
            ),
            query(f"sum(rate(refork_reconcile_failures_total{{{OPERATOR}}}[$__rate_interval]))", "failed"),
        ),
        series(
            "Status writes",
            "wps",
            "Attempts to write a pool's status. A conflict is planned anew at once and harmless.",
            query(
                f"sum by (outcome) (rate(refork_status_writes_total{{{OPERATOR}}}[$__rate_interval]))",
                "{{outcome}}",
            ),
        ),
        series(
            "Requested waves that ended",
            "none",
            "Per hour, by outcome.",
            query(f"sum by (outcome) (increase(refork_waves_total{{{OPERATOR}}}[1h]))", "{{outcome}}"),
        ),
        series(
            "How long a requested wave takes",
            "s",
            "From its start to its end, on average over six hours.",
            query(
                f"""sum(increase(refork_wave_duration_seconds_sum{{{OPERATOR}}}[6h]))
                / sum(increase(refork_wave_duration_seconds_count{{{OPERATOR}}}[6h]))""",
                "average",
            ),
            noValue="no wave",
        ),
        table(
            "Agents by version",
            "How many pods run which agent. Two versions: pods are being rolled to another image, or pools name one.",
            {"version": "Version"},
            [column("Pods", "none", "count by (version) (refork_agent_info)")],
            sort="Pods",
        ),
    )


def agents(b: Board) -> None:
    b.row("What do the agents make of it?")
    b.add(
        8,
        8,
        series(
            "Requests to agents",
            "reqps",
            "By what came of them; outcomes that do not occur are left out.",
            query(
                f"sum by (outcome) (rate(refork_agent_requests_total{{{OPERATOR}}}[$__rate_interval])) > 0",
                "{{outcome}}",
            ),
            legend="table",
        ),
        series(
            "How long an agent takes to answer",
            "s",
            "From sending a request to its answer or its timeout. Half of them, and 99 of 100, are quicker.",
            query(
                f"""histogram_quantile(0.99,
                sum by (le) (rate(refork_agent_request_duration_seconds_bucket{{{OPERATOR}}}[$__rate_interval])))""",
                "99 %",
            ),
            query(
                f"""histogram_quantile(0.5,
                sum by (le) (rate(refork_agent_request_duration_seconds_bucket{{{OPERATOR}}}[$__rate_interval])))""",
                "50 %",
            ),
        ),
        series(
            "Refused by the agents",
            "reqps",
            "What the pods that Prometheus reaches say of requests to steer them, of all pools, without those accepted. "
            "Anything here is somebody else's, or keys and clocks do not match.",
            query(
                """sum by (outcome) (rate(
                refork_control_requests_total{outcome!="accepted"}[$__rate_interval]))""",
                "{{outcome}}",
            ),
        ),
    )


def process(b: Board) -> None:
    b.row("What does it need?")
    b.add(
        8,
        8,
        series(
            "Memory of the JVM",
            "bytes",
            "In use, on the heap and beside it; the pod's limit is resources.limits.memory of the chart.",
            query(
                f"""sum by (pod, area) (jvm_memory_used_bytes{{{OPERATOR}}}
                and on (pod, namespace) refork_operator_leader)""",
                "{{pod}} {{area}}",
            ),
        ),
        series(
            "CPU",
            "none",
            "CPUs in use, a line for each operator; those that wait need next to none.",
            query(
                f"""sum by (pod) (rate(process_cpu_time_ns_total{{{OPERATOR}}}[$__rate_interval])
                and on (pod, namespace) refork_operator_leader) / 1e9""",
                "{{pod}}",
            ),
        ),
        series(
            "Time in garbage collection",
            "percentunit",
            "Part of the time that the JVM stood still to collect.",
            query(
                f"""sum by (pod) (rate(jvm_gc_pause_seconds_sum{{{OPERATOR}}}[$__rate_interval])
                and on (pod, namespace) refork_operator_leader)""",
                "{{pod}}",
            ),
        ),
    )
