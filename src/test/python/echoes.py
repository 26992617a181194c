"""apps/echo.py under the fake agent, and how to talk to it."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

from fakeagent import FakeAgent
from peer import Peer

ECHO = str(Path(__file__).parent / "apps" / "echo.py")


def boot(agent: FakeAgent, **options: Any) -> Peer:
    """Start it; its mold, ready."""
    return agent.boot(sys.executable, ECHO, **options)


def ask(agent: FakeAgent, command: str) -> Any:
    """One command on a connection of its own, and the answer."""
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(command.encode() + b"\n")
        return json.loads(s.makefile().readline())


def run(agent: FakeAgent, code: str) -> Any:
    """Run statements in the worker that serves; `result` is the answer."""
    return ask(agent, "exec " + code)
