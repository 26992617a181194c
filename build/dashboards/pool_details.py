"""Below the first screen of a pool's dashboard: the same questions over time, and how it serves."""

from __future__ import annotations

from grafana import Board, query, series

P = 'namespace="$namespace", pool="$pool"'


def add(b: Board) -> None:
    memory(b)
    reforks(b)
    serving(b)
    trouble(b)


def memory(b: Board) -> None:
    b.row("What does it save?")
    b.add(
        12,
        8,
        series(
            "Memory by role",
            "bytes",
            "Proportional memory of all pods: the molds, workers of the current generation, workers of older ones. "
            "What is saved is drawn on top: the height is what unshared copies would need.",
            query(f"sum by (role) (refork_memory_proportional_bytes{{{P}}})", "{{role}}"),
            query(f"sum(refork_memory_saved_bytes{{{P}}})", "saved"),
            stacked=True,
        ),
        series(
            "Shared, the ten pods that share least",
            "percentunit",
            "Part of the workers' anonymous memory that they share, pod by pod. A saw: each refork lifts it.",
            query(f"bottomk(10, refork_memory_shared_ratio{{{P}}})", "{{pod}}"),
            legend="table",
            max=1,
        ),
    )


def reforks(b: Board) -> None:
    b.row("Which generation, and what became of the reforks?")
    b.add(
        8,
        8,
        series(
            "Generation, lowest and highest pod",
            "none",
            "Each step up is a refork that began, or a new start of the application. Two lines that part are a wave "
            "on its way, or one that stopped.",
            query(f"max(refork_generation{{{P}}})", "highest"),
            query(f"min(refork_generation{{{P}}})", "lowest"),
            decimals=0,
        ),
        series(
            "Reforks that ended",
            "none",
            "Per hour, by outcome and reason, in all pods. refused: the worker was not fit to become a mold; aborted: "
            "the new generation was worse and the old one was kept.",
            query(
                f"sum by (outcome, reason) (increase(refork_reforks_total{{{P}}}[1h]))",
                "{{outcome}} {{reason}}",
            ),
        ),
        series(
            "How long a refork takes",
            "s",
            "From the first step to the end, on average over an hour, whatever its outcome.",
            query(
                f"""sum(increase(refork_refork_duration_seconds_sum{{{P}}}[1h]))
                / sum(increase(refork_refork_duration_seconds_count{{{P}}}[1h]))""",
                "average",
            ),
        ),
    )


def serving(b: Board) -> None:
    b.row("How does it serve?")
    b.add(
        8,
        8,
        series(
            "Requests",
            "reqps",
            "Requests that workers have finished, and those of them that ended by an error or a 5xx.",
            query(f"sum(rate(refork_requests_total{{{P}}}[$__rate_interval]))", "all"),
            query(f"sum(rate(refork_request_errors_total{{{P}}}[$__rate_interval]))", "errors"),
        ),
        series(
            "Workers by state",
            "none",
            "Of all pods that Prometheus reaches, beside those that have a request running. backing-off: their "
            "predecessors died too soon.",
            query(f"sum by (state) (refork_workers{{{P}}})", "{{state}}"),
            query(f"sum(refork_busy_workers{{{P}}})", "busy"),
            decimals=0,
        ),
        series(
            "Connections that wait, the ten longest queues",
            "none",
            "Connections that wait for a worker, pod by pod. A few are normal under load; more than there are workers, "
            "for minutes, means that the pool is saturated.",
            query(f"topk(10, sum by (pod) (refork_accept_queue_length{{{P}}}))", "{{pod}}"),
            legend="table",
            decimals=0,
        ),
    )


def trouble(b: Board) -> None:
    b.row("What goes wrong?")
    b.add(
        8,
        8,
        series(
            "Workers that are gone",
            "none",
            "Per hour, by reason. requested, recycled and superseded are how workers live; crashed, killed and the "
            "timeouts are not.",
            query(f"sum by (reason) (increase(refork_worker_exits_total{{{P}}}[1h]))", "{{reason}}"),
        ),
        series(
            "Promotions refused",
            "none",
            "Per hour: workers that could not become the mold, by reason. docs/operations.md has them.",
            query(f"sum by (reason) (increase(refork_promotion_refusals_total{{{P}}}[1h]))", "{{reason}}"),
            noValue="none",
        ),
        series(
            "Requests to steer the pods",
            "reqps",
            "What the agents made of the operator's requests. Anything but accepted comes from somebody else, or keys "
            "and clocks do not match.",
            query(
                f"sum by (outcome) (rate(refork_control_requests_total{{{P}}}[$__rate_interval]))",
                "{{outcome}}",
            ),
        ),
    )
