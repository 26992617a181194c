"""One pool on one screen: is it fine, what does it save, which generation, what became of the last refork, who is it?"""

from __future__ import annotations

import pool_details
from grafana import Board, mark, now, override, query, stat, steps, timeline, variable, words
from tables import column, table

P = 'namespace="$namespace", pool="$pool"'

RED_FROM_ONE = steps("green", (1, "red"))

# As numbers, so that one line shows them: the words of status.rollout.state.
WAVE = {
    0: ("idle", "green"),
    1: ("canary reforks", "blue"),
    2: ("canary soaks", "blue"),
    3: ("rolling", "blue"),
    4: ("aborted", "red"),
    5: ("paused", "orange"),
}
WAVE_NOW = " + ".join(
    f'{number} * sum(refork_pool_wave_state{{{P}, state="{state}"}})'
    for number, state in enumerate(["Canary", "Soaking", "Rolling", "Aborted", "Paused"], start=1)
)
READY = {0: ("not ready", "red"), 1: ("ready", "green")}


def board() -> Board:
    b = Board(
        "refork-pool",
        "Refork / Pool",
        "One worker pool: is it fine, what does it save, which generation, what became of the last refork, who is "
        "the problem.",
        [
            variable("namespace", "Namespace", "label_values(refork_pool_pods_desired, namespace)"),
            variable("pool", "Pool", 'label_values(refork_pool_pods_desired{namespace="$namespace"}, pool)'),
        ],
        [
            mark(
                "Generation",
                "blue",
                f"""abs(max by (pool) (refork_pool_generation{{{P}}})
                - max by (pool) (refork_pool_generation{{{P}}} offset 1m)) > 0""",
                "The newest generation of {{pool}} is another one",
            ),
            mark(
                "Aborted",
                "red",
                f"""max by (pool) (refork_pool_wave_state{{{P}, state="Aborted"}}) == 1
                unless max by (pool) (refork_pool_wave_state{{{P}, state="Aborted"}} offset 1m) == 1""",
                "A refork of {{pool}} was aborted: kubectl describe wp says why",
            ),
        ],
    )
    fine(b)
    pool_details.add(b)
    return b


def fine(b: Board) -> None:
    b.row("Is it fine?")
    b.add(
        4,
        4,
        stat(
            "Pool",
            "none",
            "The pool's condition Ready: all pods are Ready and none lacks more workers than its policy allows. A "
            "pool of no pods is ready.",
            query(f"max(refork_pool_ready{{{P}}})"),
            thresholds=steps("red", (1, "green")),
            mappings=words(READY),
            noValue="unknown",
            graph=False,
        ),
        stat(
            "Trouble",
            "none",
            "What is wrong, by the reasons of kubectl describe wp, and in how many pods. docs/runbooks.md says what "
            "to do about each.",
            now(f"max by (reason) (refork_pool_problems{{{P}}})", "{{reason}}"),
            thresholds=steps("red"),
            text="value_and_name",
            noValue="none",
            graph=False,
        ),
        stat(
            "Workers ready",
            "percentunit",
            "Ready workers of all pods, as part of the workers that are wanted. Below 90 % look at the table of pods.",
            query(
                f'sum(refork_pool_workers{{{P}, state="ready"}}) / sum(refork_pool_workers_desired{{{P}}})'
            ),
            thresholds=steps("red", (0.9, "orange"), (0.999, "green")),
            mappings=words({}, nan="none wanted"),
            noValue="unknown",
        ),
        stat(
            "Pods missing",
            "none",
            "Pods that are wanted and not Ready.",
            query(f"clamp_min(sum(refork_pool_pods_desired{{{P}}}) - sum(refork_pool_pods_ready{{{P}}}), 0)"),
            thresholds=RED_FROM_ONE,
            mappings=words({0: ("none", "green")}),
            noValue="unknown",
        ),
        stat(
            "Errors",
            "percentunit",
            "Part of the requests that ended by an error or a 5xx.",
            query(
                f"""sum(rate(refork_request_errors_total{{{P}}}[$__rate_interval]))
                / sum(rate(refork_requests_total{{{P}}}[$__rate_interval]))"""
            ),
            thresholds=steps("green", (0.01, "orange"), (0.05, "red")),
            mappings=words({}, nan="no requests"),
            noValue="no requests",
            decimals=2,
        ),
        stat(
            "Oldest request",
            "s",
            "Age of the oldest request that runs in any pod. One that grows for minutes is stuck: timeouts.request "
            "would end its worker.",
            query(f"max(refork_oldest_request_seconds{{{P}}})"),
            thresholds=steps("green", (10, "orange"), (60, "red")),
            noValue="unknown",
        ),
        stat(
            "Saved",
            "bytes",
            "Memory that the pool would need more if its workers shared nothing: resident memory of the workers less "
            "proportional memory of workers and molds, anonymous pages.",
            query(f"sum(refork_pool_memory_saved_bytes{{{P}}})"),
            noValue="unknown",
        ),
        stat(
            "Shared",
            "percentunit",
            "Part of the workers' anonymous memory that they share. It falls while workers warm up, and rises with "
            "each refork.",
            query(f"avg(refork_pool_memory_shared_ratio{{{P}}})"),
            noValue="unknown",
        ),
        stat(
            "Fullest pod",
            "percentunit",
            "What the cgroup counts, as part of the container's memory limit, in the pod that is nearest to it. At "
            "100 % the kernel kills.",
            query(f"max(refork_container_memory_bytes{{{P}}} / refork_container_memory_limit_bytes{{{P}}})"),
            thresholds=steps("green", (0.85, "orange"), (0.95, "red")),
            noValue="no limit",
        ),
        stat(
            "Generation",
            "none",
            "The newest generation of any pod. It counts molds: every promotion, failed ones too, and every new start "
            "of the application.",
            query(f"max(refork_pool_generation{{{P}}})"),
            noValue="unknown",
        ),
        stat(
            "Wave",
            "none",
            "Where the refork of the pool's pods stands. Aborted: kubectl describe wp says why and what to do.",
            query(WAVE_NOW),
            thresholds=steps("text"),
            mappings=words(WAVE),
            noValue="unknown",
            graph=False,
        ),
        stat(
            "Last refork",
            "dateTimeFromNow",
            "How the last refork of any pod ended, for what reason, and when. Not known when Prometheus does not "
            "scrape the pods.",
            now(f"topk(1, refork_last_refork_timestamp_seconds{{{P}}} * 1000)", "{{outcome}} {{reason}}"),
            text="value_and_name",
            noValue="none seen",
            graph=False,
            overrides=[
                override("byRegexp", "/^(aborted|refused)/", color={"mode": "fixed", "fixedColor": "red"}),
                override("byRegexp", "/^completed/", color={"mode": "fixed", "fixedColor": "green"}),
            ],
        ),
    )
    b.add(24, 9, pods())
    b.add(
        24,
        4,
        timeline(
            "Ready, and the wave",
            "none",
            "Whether the pool was ready, and where its wave stood. A wave does not make a pool unready.",
            query(f"max(refork_pool_ready{{{P}}})", "pool"),
            query(WAVE_NOW, "wave"),
            overrides=[
                override("byName", "pool", mappings=words(READY)),
                override("byName", "wave", mappings=words(WAVE)),
            ],
        ),
    )


def pods() -> dict[str, object]:
    bad = RED_FROM_ONE
    return table(
        "Pods",
        "Who is the problem? One line for each pod that Prometheus reaches, the one with the most workers missing "
        "first. What the operator says of it: kubectl describe wp, problemPods.",
        {"pod": "Pod"},
        [
            column(
                "Workers missing",
                "none",
                f"""max by (pod) (refork_workers_desired{{{P}}})
                - sum by (pod) (refork_workers{{{P}, state="ready"}})""",
                bad,
            ),
            column("Ready", "none", f'sum by (pod) (refork_workers{{{P}, state="ready"}})'),
            column("Backing off", "none", f'sum by (pod) (refork_workers{{{P}, state="backing-off"}})', bad),
            column(
                "Crashed or killed, 1 h",
                "none",
                f"""sum by (pod) (increase(
                refork_worker_exits_total{{{P}, reason!~"requested|recycled|superseded"}}[1h]))""",
                bad,
                decimals=0,
            ),
            column(
                "Errors, 1 h",
                "none",
                f"sum by (pod) (increase(refork_request_errors_total{{{P}}}[1h]))",
                bad,
                decimals=0,
            ),
            column("Oldest request", "s", f"max by (pod) (refork_oldest_request_seconds{{{P}}})"),
            column("Generation", "none", f"max by (pod) (refork_generation{{{P}}})"),
            column("Shared", "percentunit", f"max by (pod) (refork_memory_shared_ratio{{{P}}})", decimals=0),
            column("Saved", "bytes", f"max by (pod) (refork_memory_saved_bytes{{{P}}})"),
            column(
                "Memory of limit",
                "percentunit",
                f"max by (pod) (refork_container_memory_bytes{{{P}}} / refork_container_memory_limit_bytes{{{P}}})",
                steps("text", (0.85, "orange"), (0.95, "red")),
                decimals=0,
            ),
            column(
                "Last refork",
                "dateTimeFromNow",
                f"max by (pod) (refork_last_refork_timestamp_seconds{{{P}}} * 1000)",
            ),
        ],
        sort="Workers missing",
    )
