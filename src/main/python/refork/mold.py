"""A mold: the application loaded, nothing served, workers forked on command."""

from __future__ import annotations

import gc
import os
import traceback

from . import descriptors, executors, kernel, loading, openblas, scoreboard, threads
from .connection import Connection
from .forking import SpawnFailed, abandon, double_fork, tie_to_agent
from .hooks import HookFailed, registered
from .leaving import leave
from .pool import Pool, join, unexpected
from .protocol import ProtocolError, Spawn, Stop, Timeouts, Welcome
from .seat import HANDLER_SHARE, Seat


class Mold:
    """This process as a mold."""

    def __init__(self, pool: Pool, connection: Connection, welcome: Welcome, *, boot: bool) -> None:
        self.pool = pool
        self.connection = connection
        self.welcome = welcome
        self._boot = boot
        pool.titles.mold(welcome.generation)
        pool.scoreboard.row(welcome.row).open(welcome.generation, scoreboard.NONE)

    def ready(self) -> None:
        """The application is loaded: put its objects out of the collector's sight, so that they stay shared.

        Without that a full collection in any worker would write to every object. What earlier generations froze is
        looked through once more first, or their garbage would be handed on for ever.
        """
        if self._boot:
            registered.run_file()
        # Those of a boot mold, and those that after_promote hooks have used: forks would have an executor that waits for
        # threads which are not there.
        executors.end_idle_threads()
        openblas.end_threads()
        if self._boot:
            self.pool.take_stock()
            for what in descriptors.shared_connections(self.pool.own_descriptors(self.connection)):
                self.warn(
                    "shared-socket",
                    f"{what}; it was opened while the application was loading, and this mold and all its workers share"
                    " it: open it in an after_fork hook instead",
                )
            for code, sentence in loading.trouble(self.welcome.pool.threads):
                self.warn(code, sentence)
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        memory = kernel.memory()
        self.connection.send(
            "ready", threads=threads.names(), memory=None if memory is None else memory._asdict()
        )

    def warn(self, code: str, message: str) -> None:
        """Something that the operator of the pool should read."""
        self.connection.send("warning", code=code, message=message)

    def fork_on_command(self) -> Seat:
        """Fork workers as the agent asks for them. Returns only in a worker."""
        while True:
            message = self.connection.receive(None)
            if isinstance(message, Stop):
                leave(
                    self.connection,
                    "stopped",
                    bound=self.welcome.timeouts.kill * HANDLER_SHARE,
                    handlers=not self._boot,
                )
            if not isinstance(message, Spawn):
                unexpected(self.connection, message)
            try:
                # Not bounded here, nor are after_fork and after_promote: a mold, a newborn and a new mold have no
                # requests to go back to, and the agent ends those whose answer does not come in time.
                registered.run("before_fork")
                if double_fork(self.connection, message.spawn, self.welcome.timeouts.spawn):
                    return self._worker(message)
            except SpawnFailed as e:
                self.connection.send("spawn-failed", spawn=message.spawn, errno=e.errno, message=str(e))
            except HookFailed as e:
                self.connection.send("spawn-failed", spawn=message.spawn, errno=0, message=str(e))

    def _worker(self, spawn: Spawn) -> Seat:
        """In the newborn worker: hello, then the application's hooks."""
        try:
            connection, welcome = join(self.pool, "worker", spawn.spawn, self.welcome.timeouts.spawn)
        except (OSError, ProtocolError) as e:
            abandon(str(e))
        seat = Seat(self.pool, connection, welcome)
        seat.row.open(welcome.generation, scoreboard.STARTING)
        self.pool.titles.worker(welcome.slot, welcome.generation)
        seat.install_signals()
        self.pool.count_descriptors()
        try:
            registered.run("after_fork")
        except HookFailed as e:
            traceback.print_exc()
            seat.leave(str(e), code=1)
        return seat


def boot_mold(pool: Pool, timeout: float) -> Mold:
    """Say hello as the boot mold; raises OSError and ProtocolError. The application is loaded afterwards."""
    connection, welcome = join(pool, "mold", None, timeout)
    if os.getppid() == connection.agent_pid:
        tie_to_agent(connection.agent_pid)
    return Mold(pool, connection, welcome, boot=True)


def promoted(pool: Pool, spawn: str, timeouts: Timeouts) -> Mold:
    """In a newborn that a worker has forked: become the next mold. Ends the process where that fails."""
    try:
        connection, welcome = join(pool, "mold", spawn, timeouts.spawn)
    except (OSError, ProtocolError) as e:
        abandon(str(e))
    mold = Mold(pool, connection, welcome, boot=False)
    registered.forget_undo()
    try:
        registered.run("after_promote")
    except HookFailed as e:
        traceback.print_exc()
        leave(connection, str(e), bound=welcome.timeouts.kill * HANDLER_SHARE, code=1)
    mold.ready()
    return mold
