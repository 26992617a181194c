"""What the boot mold finds at its start, and every fork of it inherits; and how a process joins the pool."""

from __future__ import annotations

import os
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from . import descriptors, threads
from .connection import Connection
from .protocol import PROTOCOL, Error, ProtocolError, Welcome
from .scoreboard import Scoreboard
from .titles import Titles
from .version import VERSION

EXIT_USAGE = 2
FIRST_LISTENER = 3
CONNECT_TIMEOUT = 10.0
"""Seconds for the boot mold to reach its agent and be welcomed; the agent answers in milliseconds, or is stuck."""


class Listener(socket.socket):
    """A listening socket of the agent.

    `listen` does nothing: the queue is shared by all workers, and the last call would set its length for everyone.
    """

    def listen(self, backlog: int | None = None) -> None:
        """Do nothing: it listens already, with the agent's backlog."""


@dataclass
class Pool:
    """What all processes of the pool have in common."""

    socket_path: str
    scoreboard: Scoreboard
    listeners: dict[str, socket.socket]
    titles: Titles = field(default_factory=Titles)
    usual_threads: Counter[str] = field(default_factory=Counter)
    usual_descriptors: frozenset[tuple[object, ...]] = frozenset()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], how: str) -> Pool:
        """Read what the agent has left in the environment; ends with one sentence where it makes no sense.

        `how` is the command that the user should have typed.
        """
        path = environ.get("REFORK_SOCKET")
        if not path:
            refuse(f"there is no Refork agent (REFORK_SOCKET is not set): start it with `{how}`")
        version = environ.get("REFORK_PROTOCOL", "")
        if version != str(PROTOCOL):
            refuse(
                f"the agent speaks protocol {version or '(none)'} (REFORK_PROTOCOL), this shim (refork {VERSION}) speaks"
                f" {PROTOCOL}: install the shim that comes with the agent"
            )
        try:
            scoreboard = Scoreboard(environ.get("REFORK_SCOREBOARD", ""))
        except (OSError, ValueError) as e:
            refuse(
                f"the scoreboard {environ.get('REFORK_SCOREBOARD')!r} (REFORK_SCOREBOARD) is not usable: {e}"
            )
        return cls(path, scoreboard, _listeners(environ))

    def take_stock(self) -> None:
        """In the boot mold, once the application is loaded: remember what is normal."""
        self.usual_threads = threads.baseline()
        self.count_descriptors()

    def count_descriptors(self) -> None:
        """In a mold that is ready and in a newborn worker, before hooks: what is open now is accounted for.

        A newborn has what its mold has, and what libraries open anew in each fork, such as libuv's pipe for signals.
        """
        self.usual_descriptors = frozenset(d.identity for d in descriptors.open_descriptors())

    def own_descriptors(self, connection: Connection) -> set[int]:
        """The descriptors that are ours."""
        return {connection.fileno(), *(sock.fileno() for sock in self.listeners.values())}


def join(pool: Pool, role: str, spawn: str | None, timeout: float) -> tuple[Connection, Welcome]:
    """Connect and say hello; raises OSError, ProtocolError (the agent turned us away) and TimeoutError."""
    connection = Connection.connect(pool.socket_path, timeout)
    connection.send(
        "hello", protocol=PROTOCOL, role=role, pid=os.getpid(), spawn=spawn, language="python", shim=VERSION
    )
    answer = connection.receive(timeout)
    if answer is None:
        raise TimeoutError(f"the agent has not answered within {timeout:g} s")
    if isinstance(answer, Error):
        raise ProtocolError(answer.code, f"the agent refuses this process ({answer.code}): {answer.message}")
    if not isinstance(answer, Welcome):
        raise ProtocolError("unexpected", f"{type(answer).__name__} instead of welcome")
    return connection, answer


def refuse(sentence: str) -> NoReturn:
    """End a program that cannot run like this, with one sentence on standard error and exit code 2."""
    print(f"refork: {sentence}", file=sys.stderr, flush=True)
    raise SystemExit(EXIT_USAGE)


def unexpected(connection: Connection, message: Any) -> NoReturn:
    """Tell the agent that its message does not fit, and raise ProtocolError."""
    connection.refuse(ProtocolError("unexpected", f"{type(message).__name__} is not expected here"))


def _listeners(environ: Mapping[str, str]) -> dict[str, socket.socket]:
    try:
        count = int(environ.get("LISTEN_FDS", "0"))
        names = environ.get("LISTEN_FDNAMES", "").split(":") if count else []
        if len(names) != count:
            raise ValueError(f"{count} sockets and {len(names)} names")
        found: dict[str, socket.socket] = {}
        for number, name in enumerate(names, FIRST_LISTENER):
            # Programs that the application starts have no business with the pool's sockets.
            os.set_inheritable(number, False)
            found[name] = Listener(fileno=number)
            found[name].setblocking(False)
        return found
    except (OSError, ValueError) as e:
        refuse(f"the inherited listening sockets (LISTEN_FDS, LISTEN_FDNAMES) are not usable: {e}")
