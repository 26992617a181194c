"""All pools: which of them need somebody, what they save together, what changes."""

from __future__ import annotations

from grafana import Board, mark, override, query, series, stat, steps, variable, words
from tables import column, table

N = 'namespace=~"$namespace"'
POOL = "{{namespace}}/{{pool}}"
BAD = steps("green", (1, "red"))


def open_pool(namespace: str, pool: str) -> list[dict[str, str]]:
    """A link to the pool's own dashboard."""
    url = f"/d/refork-pool?var-datasource=${{datasource}}&var-namespace=${{{namespace}}}&var-pool=${{{pool}}}"
    return [{"title": "Open the pool", "url": url}]


ROW_LINK = [override("byName", "Pool", links=open_pool("__data.fields.Namespace", "__data.fields.Pool"))]
LINE_LINK = open_pool("__field.labels.namespace", "__field.labels.pool")


def board() -> Board:
    b = Board(
        "refork-fleet",
        "Refork / Fleet",
        "All worker pools: which of them need somebody, what they save together, what changes.",
        [variable("namespace", "Namespace", "label_values(refork_pool_pods_desired, namespace)", many=True)],
        [
            mark(
                "Generations",
                "blue",
                # One mark for the fleet: a thousand pools would paint everything blue.
                f"""sum(abs(max by (namespace, pool) (refork_pool_generation{{{N}}})
                - max by (namespace, pool) (refork_pool_generation{{{N}}} offset 1m)) > bool 0) > 0""",
                "Pools whose newest generation is another one",
            ),
        ],
    )
    numbers(b)
    who(b)
    memory(b)
    reforks(b)
    load(b)
    return b


def numbers(b: Board) -> None:
    b.row("Is it fine?")
    b.add(
        4,
        4,
        stat(
            "Pools",
            "none",
            "Worker pools in these namespaces.",
            query(f"count(refork_pool_ready{{{N}}})"),
            noValue="none",
        ),
        stat(
            "Not ready",
            "none",
            "Pools whose condition Ready is not true. The table below names them.",
            query(f"count(refork_pool_ready{{{N}}}) - sum(refork_pool_ready{{{N}}})"),
            thresholds=BAD,
            mappings=words({0: ("none", "green")}),
            noValue="no pools",
        ),
        stat(
            "In trouble",
            "none",
            "Pools of which kubectl describe wp says that they are Degraded: somebody should look.",
            query(f"count(count by (namespace, pool) (refork_pool_problems{{{N}}})) or vector(0)"),
            thresholds=steps("green", (1, "orange")),
            mappings=words({0: ("none", "green")}),
        ),
        stat(
            "Workers ready",
            "percentunit",
            "Ready workers of all pools, as part of those that are wanted.",
            query(
                f'sum(refork_pool_workers{{{N}, state="ready"}}) / sum(refork_pool_workers_desired{{{N}}})'
            ),
            thresholds=steps("red", (0.9, "orange"), (0.99, "green")),
            mappings=words({}, nan="none wanted"),
            noValue="no pools",
        ),
        stat(
            "Saved",
            "bytes",
            "Memory that all pools together would need more if their workers shared nothing; anonymous pages.",
            query(f"sum(refork_pool_memory_saved_bytes{{{N}}})"),
            noValue="unknown",
        ),
        stat(
            "Saved part",
            "percentunit",
            "What is saved, as part of the memory that unshared copies would need.",
            query(
                f"""sum(refork_pool_memory_saved_bytes{{{N}}})
                / (sum(refork_pool_memory_saved_bytes{{{N}}}) + sum(refork_pool_memory_proportional_bytes{{{N}}}))"""
            ),
            mappings=words({}, nan="unknown"),
            noValue="unknown",
        ),
    )


def who(b: Board) -> None:
    b.add(
        10,
        10,
        table(
            "Trouble",
            "Pools that somebody should look at: the reason as in kubectl describe wp, and how many pods have it, ten "
            "at most. docs/runbooks.md says what to do about each. Empty: nothing is wrong.",
            {"namespace": "Namespace", "pool": "Pool", "reason": "Reason"},
            [column("Pods", "none", f"max by (namespace, pool, reason) (refork_pool_problems{{{N}}})")],
            sort="Pods",
            overrides=ROW_LINK,
        ),
    )
    by_pool = "by (namespace, pool)"
    b.add(
        14,
        10,
        table(
            "All pools",
            "Every pool, those that lack most workers first. The name leads to the pool's own dashboard.",
            {"namespace": "Namespace", "pool": "Pool"},
            [
                column(
                    "Workers missing",
                    "none",
                    f"""clamp_min(max {by_pool} (refork_pool_workers_desired{{{N}}})
                    - max {by_pool} (refork_pool_workers{{{N}, state="ready"}}), 0)""",
                    BAD,
                ),
                column("Pods", "none", f"max {by_pool} (refork_pool_pods_ready{{{N}}})"),
                column("Generation", "none", f"max {by_pool} (refork_pool_generation{{{N}}})"),
                column(
                    "Shared",
                    "percentunit",
                    f"max {by_pool} (refork_pool_memory_shared_ratio{{{N}}})",
                    decimals=0,
                ),
                column("Saved", "bytes", f"max {by_pool} (refork_pool_memory_saved_bytes{{{N}}})"),
                column("Memory", "bytes", f"max {by_pool} (refork_pool_memory_proportional_bytes{{{N}}})"),
            ],
            sort="Workers missing",
            overrides=ROW_LINK,
        ),
    )


def memory(b: Board) -> None:
    b.row("What does it save?")
    b.add(
        8,
        8,
        series(
            "Memory",
            "bytes",
            "Proportional memory of all pools and, on top, what is saved: the height is what unshared copies would "
            "need.",
            query(f"sum(refork_pool_memory_proportional_bytes{{{N}}})", "used"),
            query(f"sum(refork_pool_memory_saved_bytes{{{N}}})", "saved"),
            stacked=True,
        ),
        series(
            "Saved, the ten pools that save most",
            "bytes",
            "Against unshared copies, anonymous pages.",
            query(f"topk(10, refork_pool_memory_saved_bytes{{{N}}})", POOL),
            legend="table",
            links=LINE_LINK,
        ),
        series(
            "Shared, the ten pools that share least",
            "percentunit",
            "Part of the workers' memory that they share. A pool that stays low saves little: ReforkSharingLow in "
            "docs/runbooks.md.",
            query(f"bottomk(10, refork_pool_memory_shared_ratio{{{N}}})", POOL),
            legend="table",
            links=LINE_LINK,
            max=1,
        ),
    )


def reforks(b: Board) -> None:
    b.row("What changes?")
    b.add(
        8,
        8,
        series(
            "Pools by the state of their wave",
            "none",
            "Pools that are not idle: reforking, aborted or paused.",
            query(f'sum by (state) (refork_pool_wave_state{{{N}, state!="Idle"}})', "{{state}}"),
            decimals=0,
        ),
        series(
            "Reforks that ended",
            "none",
            "Per hour, by outcome, in all pods that Prometheus reaches.",
            query(f"sum by (outcome) (increase(refork_reforks_total{{{N}}}[1h]))", "{{outcome}}"),
        ),
        series(
            "Pods that refork",
            "none",
            "Pods that refork now, of all pools.",
            query(f"sum(refork_pool_pods_reforking{{{N}}})", "reforking"),
            decimals=0,
        ),
    )


def load(b: Board) -> None:
    b.row("How does it serve?")
    b.add(
        8,
        8,
        series(
            "Requests",
            "reqps",
            "Requests that workers of all pools have finished, and those of them that ended by an error or a 5xx.",
            query(f"sum(rate(refork_requests_total{{{N}}}[$__rate_interval]))", "all"),
            query(f"sum(rate(refork_request_errors_total{{{N}}}[$__rate_interval]))", "errors"),
        ),
        series(
            "Errors, the ten worst pools",
            "percentunit",
            "Part of the requests that ended by an error or a 5xx; pools without any are left out.",
            query(
                f"""topk(10, sum by (namespace, pool) (rate(refork_request_errors_total{{{N}}}[$__rate_interval]))
                / sum by (namespace, pool) (rate(refork_requests_total{{{N}}}[$__rate_interval])) > 0)""",
                POOL,
            ),
            legend="table",
            links=LINE_LINK,
        ),
        series(
            "Busy, the ten busiest pools",
            "percentunit",
            "Part of the ready workers that have a request running. All of them for long: look at the pool's queue.",
            query(
                f"""topk(10, sum by (namespace, pool) (refork_pool_workers_busy{{{N}}})
                / sum by (namespace, pool) (refork_pool_workers{{{N}, state="ready"}} > 0))""",
                POOL,
            ),
            legend="table",
            links=LINE_LINK,
        ),
    )
