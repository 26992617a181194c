"""sentry-sdk on this pool: `refork.contrib.sentry.init(...)` in place of `sentry_sdk.init(...)`."""

from __future__ import annotations

from typing import Any

import sentry_sdk

from ..hooks import after_fork, before_exit, before_promote

SHUTDOWN = 2.0
"""Seconds for events that wait to be sent, at a promotion and at the end of a worker. It is sentry-sdk's own default."""


def init(*args: Any, **options: Any) -> None:
    """Call `sentry_sdk.init` with these arguments: now, in each new worker, and where a promotion came to nothing.

    Before a promotion and before a worker ends, what waits is sent, within `SHUTDOWN` seconds. Without an agent it is
    `sentry_sdk.init` and nothing else.
    """

    def start() -> None:
        sentry_sdk.init(*args, **options)

    def stop() -> Any:
        end()
        # What stays in the mold must not begin a thread there for a message that is logged between two forks.
        sentry_sdk.get_global_scope().set_client(None)
        return start

    def end() -> None:
        # sentry-sdk has an exit handler for this. It is registered once, while loading, so it never runs in a worker.
        client = sentry_sdk.get_client()
        connections = getattr(client.transport, "_pool", None)
        client.close(timeout=SHUTDOWN)
        # Nothing of sentry-sdk closes those that are kept alive.
        close = getattr(connections, "clear", None) or getattr(connections, "close", None)
        if close is not None:
            close()

    start()  # integrations patch frameworks, so they have to be there before the application is built
    after_fork(start)
    before_promote(stop)
    before_exit(end)
