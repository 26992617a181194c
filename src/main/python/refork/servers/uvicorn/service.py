"""From uvicorn's command line to a worker of the pool."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import uvicorn

from ...pool import Listener, Pool, refuse
from ...run import live, start
from ...seat import Seat
from ...titles import Titles
from .counting import Counted
from .server import SeatServer
from .settings import read, refusal, take_over, warnings

HOW = "refork run -- python -m refork uvicorn ..."


def serve_forever(arguments: Sequence[str]) -> NoReturn:
    """Read uvicorn's arguments, load the application once, and live as a process of the pool."""
    given = read(arguments)
    reason = refusal(given)
    if reason:
        refuse(reason)
    pool = Pool.from_environment(os.environ, HOW)
    if not pool.listeners:
        refuse("the agent has no listening socket: give `refork run` one with --listen")
    pool.titles = Titles(given.app.partition(":")[0])
    mold = start(pool)
    for sentence in warnings(given) + take_over(given, mold.welcome.pool):
        mold.warn("setting", sentence)

    app_dir = given.settings.pop("app_dir", None)
    if app_dir is not None:
        sys.path.insert(0, app_dir)
    config = uvicorn.Config(given.app, **given.settings)
    config.load()  # ends the process where the application cannot be loaded
    counted = Counted(config.loaded_app)
    config.loaded_app = counted
    _try_loop(config)
    log = logging.getLogger("uvicorn.error")
    log.info("uvicorn %s under Refork", uvicorn.__version__)

    def serve(seat: Seat) -> None:
        counted.row = seat.row
        SeatServer(config, seat).run([_own(listener) for listener in seat.listeners.values()])

    mold.ready()
    live(mold, serve)


def _try_loop(config: Any) -> None:
    """Make an event loop and close it, while there is one process: its forks share the modules.

    And what libuv keeps open for as long as the process lives is there from the start.
    """
    if hasattr(config, "get_loop_factory"):
        factory = config.get_loop_factory() or asyncio.new_event_loop
    else:
        config.setup_event_loop()
        factory = asyncio.new_event_loop
    factory().close()


def _own(listener: socket.socket) -> Listener:
    """A duplicate for uvicorn to close; a call of `listen` does nothing to the queue that all workers share."""
    return Listener(fileno=os.dup(listener.fileno()))
