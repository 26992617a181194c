"""sentry-sdk on this pool: `refork.contrib.sentry.init(...)` in place of `sentry_sdk.init(...)`."""

from __future__ import annotations

import os
import sys
from typing import Any

import sentry_sdk

from ..hooks import after_fork, before_exit, before_promote

SHUTDOWN = 2.0
"""Seconds for events that wait to be sent, at a promotion and at the end of a worker. It is sentry-sdk's own default.
At the end of a worker `before_exit` hooks may have less: see there."""

PROFILERS = (
    ("sentry_sdk.profiler.transaction_profiler", "teardown_profiler"),
    ("sentry_sdk.profiler.continuous_profiler", "teardown_continuous_profiler"),
)
"""What ends the threads of sentry-sdk's profilers, where its version has them; `init` begins them again."""


def init(*args: Any, **options: Any) -> None:
    """Call `sentry_sdk.init` with these arguments: now, in each new worker, and where a promotion came to nothing.

    Before a promotion and before a worker ends, what waits is sent, within `SHUTDOWN` seconds. Without an agent it is
    `sentry_sdk.init` and nothing else.

    `enable_backpressure_handling` is off unless it is given: its thread sleeps for ten seconds and hears nothing
    meanwhile, so a promotion would be refused for it (`sentry.monitor`).
    """
    if os.environ.get("REFORK_SOCKET"):
        options.setdefault("enable_backpressure_handling", False)

    def start() -> None:
        sentry_sdk.init(*args, **options)

    def stop() -> Any:
        for module, function in PROFILERS:
            getattr(sys.modules.get(module), function, _nothing)()
        end()
        # What stays in the mold must not begin a thread there for a message that is logged between two forks.
        sentry_sdk.get_global_scope().set_client(None)
        return start

    def end() -> None:
        # sentry-sdk has an exit handler for this. It is registered once, while loading, so it never runs in a worker.
        client = sentry_sdk.get_client()
        connections = getattr(client.transport, "_pool", None)
        worker: Any = getattr(client.transport, "_worker", None)
        if hasattr(worker, "_queue"):
            worker._queue.maxsize = (
                0  # the mark that ends the thread goes behind what waits: it must find room there
            )
        client.close(timeout=SHUTDOWN)
        if worker is not None:
            worker.submit = _refuse  # what the ending thread reports of lost events would begin another one
        # Nothing of sentry-sdk closes those that are kept alive.
        close = getattr(connections, "clear", None) or getattr(connections, "close", None)
        if close is not None:
            close()

    start()  # integrations patch frameworks, so they have to be there before the application is built
    after_fork(start)
    before_promote(stop)
    before_exit(end)


def _nothing() -> None:
    pass


def _refuse(_callback: Any) -> bool:
    return False
