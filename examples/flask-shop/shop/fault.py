"""A mistake that only forks of a warm worker show, to see how it is noticed: SHOP_FAULT=stale-connection."""

from __future__ import annotations

import os

from flask import Flask, abort


def stale_connection(app: Flask) -> None:
    """Keep something from the first request on that does not outlive a fork, as a pooled connection would not."""
    if os.environ.get("SHOP_FAULT") != "stale-connection":
        return
    opened_by: list[int] = []

    @app.before_request
    def use_connection() -> None:
        if not opened_by:
            opened_by.append(os.getpid())
        if opened_by[0] != os.getpid():
            abort(500, "this connection belongs to the process that I was forked from")
