"""The double fork: parent, middle process, newborn (docs/protocol.md, Conversations, Spawn)."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import traceback
import warnings
from typing import NoReturn

from . import executors, kernel
from .connection import Connection
from .leaving import drop_inherited_handlers, flush
from .protocol import ProtocolError

MIDDLE_SHARE = 0.8
"""Share of the spawn timeout that the middle process may take: when all of it has passed without a word, the agent
takes the mold for hung and ends it."""


class SpawnFailed(Exception):
    """No newborn, as far as the parent knows. `errno` is 0 where it was not the kernel that said no."""

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(message)
        self.errno = errno


def double_fork(connection: Connection, spawn: str, timeout: float) -> bool:
    """Fork a process whose parent is the agent, the before_fork hooks having run. True in the newborn, else False.

    In the newborn the parent's connection is closed, signals have their defaults and inherited exit handlers are gone;
    it has not yet said hello. Raises SpawnFailed, in the parent only.
    """
    executors.end_idle_threads()  # which the hooks have used
    flush()
    # Signals stay blocked in all three until the newborn has its own dispositions: a handler of the parent must not run
    # in a child that shares the parent's wake-up pipe.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        try:
            middle = _fork()
        except OSError as e:
            raise SpawnFailed(e.errno or 0, f"fork: {e.strerror}") from e
        if middle == 0:
            _middle(connection, spawn, timeout)
            return True
        status = kernel.wait_for_exit(middle, timeout * MIDDLE_SHARE)
        if status is None:
            os.kill(middle, signal.SIGKILL)
            kernel.wait_for_exit(middle, timeout * (1 - MIDDLE_SHARE))
            raise SpawnFailed(0, f"the middle process did not end within {timeout:g} s")
        _explain(status)
        return False
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _fork() -> int:
    with warnings.catch_warnings():
        # CPython 3.12 warns of threads here. Those a boot mold has are known and reported; a worker has none by now.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _explain(status: int) -> None:
    if os.WIFSIGNALED(status):
        raise SpawnFailed(0, f"the middle process was ended by signal {os.WTERMSIG(status)}")
    code = os.WEXITSTATUS(status)
    if code:
        raise SpawnFailed(code, f"the middle process could not fork: {os.strerror(code)}")


def _middle(connection: Connection, spawn: str, timeout: float) -> None:
    """In the middle process. Returns in the newborn only."""
    kernel.set_name(f"rf:{spawn}")
    own = os.getpid()
    try:
        newborn = _fork()
    except OSError as e:
        os._exit(e.errno or 1)
    except BaseException:
        os._exit(1)
    if newborn == 0:
        _newborn(connection, own, timeout)
        return
    try:
        connection.send("spawned", spawn=spawn, pid=newborn)
        os._exit(0)
    except BaseException:
        os.kill(newborn, signal.SIGKILL)
    finally:
        os._exit(1)


def _newborn(connection: Connection, middle: int, timeout: float) -> None:
    """In the newborn: shed what is the parent's, become the agent's child."""
    try:
        agent = connection.agent_pid
        default_signals()
        os.setpgid(0, 0)
        connection.close()
        drop_inherited_handlers()
        kernel.wait_for_parent(middle, timeout)
        tie_to_agent(agent)
        _reseed()
    except BaseException:
        abandon(traceback.format_exc())


def tie_to_agent(agent: int) -> None:
    """Die with the agent from now on; raises ProtocolError when the agent is not the parent."""
    kernel.set_parent_death_signal(signal.SIGKILL)
    if os.getppid() != agent:
        raise ProtocolError("unexpected", f"the parent is {os.getppid()}, not the agent {agent}")


def abandon(why: str) -> NoReturn:
    """End a newborn that cannot become a process of the pool; the agent notices its death and tries again."""
    with contextlib.suppress(BaseException):
        os.write(2, f"refork: process {os.getpid()} gives up: {why.rstrip()}\n".encode())
    os._exit(1)


def default_signals() -> None:
    """Default disposition for every signal that has a Python handler; ignored ones (SIGPIPE) stay ignored."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _reseed() -> None:
    random.seed()
    numpy_random = getattr(sys.modules.get("numpy"), "random", None)
    if numpy_random is not None:
        numpy_random.seed()  # the global generator; CPython reseeds only its own
