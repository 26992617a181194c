"""One process of the pool as the fake agent knows it, and how tests wait."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from fakeagent import FakeAgent

TIMEOUT = 15.0
"""Seconds for anything to happen that is expected; far more than needed, on a busy machine too."""

STATES = ("none", "starting", "accepting", "promoting", "draining")


def eventually(what: Callable[[], Any], message: str = "", timeout: float = TIMEOUT) -> Any:
    """Wait until what() is true, and return it."""
    end = time.monotonic() + timeout
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(message or f"{what} did not become true in {timeout} s")
        time.sleep(0.01)


def reap(pid: int, timeout: float = TIMEOUT) -> None:
    """Wait until this process, an orphan that comes to us or is here already, has ended."""

    def ended() -> int:
        try:
            return os.waitpid(pid, os.WNOHANG)[0]
        except ChildProcessError:
            return 0  # its parent has not ended yet

    eventually(ended, f"{pid} did not end", timeout)


class Peer:
    """One process of the pool, as the agent knows it: a connection and a row of the scoreboard."""

    def __init__(self, agent: FakeAgent, sock: socket.socket) -> None:
        self.agent = agent
        self.sock = sock
        self.buffer = b""
        self.received: list[dict[str, Any]] = []
        self.pid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self.row = -1
        self.hello: dict[str, Any] = {}

    def send(self, type_: str, **fields: Any) -> None:
        self.sock.sendall(json.dumps({"type": type_, **fields}).encode() + b"\n")

    def read(self, timeout: float) -> dict[str, Any] | None:
        """Next message; None at end of file."""
        end = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            rest = end - time.monotonic()
            if rest <= 0 or not select.select([self.sock], [], [], rest)[0]:
                raise AssertionError(f"pid {self.pid} said nothing in {timeout} s; log:\n{self.agent.log()}")
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        message = json.loads(line)
        self.received.append(message)
        return message

    def expect(self, type_: str, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Next message but warnings, which must be of this type."""
        while True:
            message = self.read(timeout)
            if message is None:
                raise AssertionError(f"pid {self.pid} closed, {type_} expected; log:\n{self.agent.log()}")
            if message["type"] != "warning" or type_ == "warning":
                assert message["type"] == type_, (message, self.agent.log())
                return message

    def quiet(self) -> bool:
        return not self.buffer and not select.select([self.sock], [], [], 0)[0]

    def welcome(self, slot: int, generation: int, **pool: Any) -> None:
        self.row = self.agent.lease()
        self.slot, self.generation = slot, generation
        self.send(
            "welcome",
            slot=slot,
            generation=generation,
            row=self.row,
            timeouts=self.agent.timeouts,
            pool={
                "workers": 2,
                "backlog": 128,
                "maxRequests": 0,
                "listeners": [{"name": n, "address": a} for n, a in self.agent.addresses.items()],
                "threads": [],
                **self.agent.pool,
                **pool,
            },
        )

    def board(self) -> dict[str, Any]:
        start = self.row * 64
        with open(self.agent.scoreboard, "rb") as file:
            file.seek(start)
            fields = struct.unpack("<BBHIIIQQQQ16x", file.read(64))
        names = ("format", "state", "zero", "generation", "pid", "busy", "oldest", "beat", "served", "errors")
        row = dict(zip(names, fields))
        row["state"] = STATES[row["state"]]
        return row

    def comm(self) -> str:
        return Path(f"/proc/{self.pid}/comm").read_text().strip()

    def parent(self) -> int:
        return int(Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[1])

    def descriptors(self) -> dict[int, str]:
        """What is open, by number; what is closed while this looks is left out."""
        found = {}
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found[int(entry.name)] = os.readlink(entry)
        return found

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def exit_code(self, timeout: float = TIMEOUT) -> int:
        """Reap it: exit code, or minus the signal. The boot mold behind a shell is not ours to reap."""

        def reaped() -> tuple[int, int] | None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return (pid, status) if pid else None

        _, status = eventually(reaped, f"pid {self.pid} did not end; log:\n{self.agent.log()}", timeout)
        self.agent.reaped.add(self.pid)
        return os.waitstatus_to_exitcode(status)

    def stop(self, grace: int = 5_000) -> dict[str, Any]:
        self.send("stop", grace=grace)
        last = self.expect("leaving")
        assert self.exit_code() == 0
        return last
