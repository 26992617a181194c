"""A small agent for tests: it boots a command, and gives molds and workers orders one by one.

It does what docs/protocol.md asks of an agent and decides nothing: tests do.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from peer import TIMEOUT, Peer, eventually

PR_SET_CHILD_SUBREAPER = 36
TIMEOUTS = {
    "boot": 60_000,
    "spawn": 10_000,
    "promote": 20_000,
    "request": 60_000,
    "drain": 20_000,
    "kill": 2_000,
}
ROWS = 256


def become_subreaper() -> None:
    """Orphans of the pool become children of this process."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _inheritable() -> list[int]:
    """Descriptors that whoever started the tests has left us; a real agent hands on none but its own."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
        except OSError:
            continue
    return found


class FakeAgent:
    """The agent. Use as a context manager: everything it started has ended afterwards."""

    def __init__(self, listeners: int = 1, **pool: Any) -> None:
        become_subreaper()
        self.directory = Path(tempfile.mkdtemp(prefix="refork-test-"))
        self.path = self.directory / "agent.sock"
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(self.path))
        self.server.listen(64)
        self.scoreboard = self.directory / "scoreboard"
        self.scoreboard.write_bytes(bytes(64 * ROWS))
        self.rows = 0
        self.timeouts = dict(TIMEOUTS)
        self.pool = pool
        self.out = self.directory / "out"
        self.names = ["http", *(f"other{n}" for n in range(1, listeners))] if listeners else []
        self.listeners = [self._listen() for _ in self.names]
        self.addresses = {n: "{}:{}".format(*s.getsockname()) for n, s in zip(self.names, self.listeners)}
        self.peers: list[Peer] = []
        self.reaped: set[int] = set()
        self.command_pid = 0
        self.spawns = 0

    def _listen(self) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(128)
        return sock

    @property
    def address(self) -> tuple[str, int]:
        return self.listeners[0].getsockname()

    def __enter__(self) -> FakeAgent:
        return self

    def __exit__(self, *exc: Any) -> None:
        for pid in {self.command_pid, *(peer.pid for peer in self.peers)} - self.reaped - {0}:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        for peer in self.peers:
            peer.sock.close()
        for sock in (self.server, *self.listeners):
            sock.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        return self.out.read_text(errors="replace") if self.out.exists() else ""

    def lease(self) -> int:
        row = self.rows % ROWS
        self.rows += 1
        with open(self.scoreboard, "r+b") as file:
            file.seek(64 * row)
            file.write(bytes(64))
        return row

    def start(self, *argv: str, env: dict[str, str] | None = None, protocol: str = "1") -> None:
        """Start the command as the agent would."""
        environ = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("REFORK_", "LISTEN_", "GUNICORN", "PYTHONUNBUFFERED"))
        }
        environ.update(
            REFORK_SOCKET=str(self.path),
            REFORK_SCOREBOARD=str(self.scoreboard),
            REFORK_PROTOCOL=protocol,
            LISTEN_FDS=str(len(self.listeners)),
            LISTEN_FDNAMES=":".join(self.names),
        )
        environ.update(env or {})
        self.out.touch()
        # Numbers far from 3, 4, ..., or one dup2 would overwrite what the next one needs.
        parked = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, 200) for sock in self.listeners]
        actions: list[tuple[Any, ...]] = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self.out), os.O_WRONLY | os.O_APPEND, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            *((os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(parked, 3)),
            *((os.POSIX_SPAWN_CLOSE, fd) for fd in _inheritable() if fd >= 3 + len(parked)),
        ]
        self.command_pid = os.posix_spawnp(
            argv[0],
            argv,
            environ,
            file_actions=actions,
            setpgroup=0,
            setsigmask=[],
            setsigdef=[s for s in signal.valid_signals() if s not in (signal.SIGKILL, signal.SIGSTOP)],
        )
        for fd in parked:
            os.close(fd)

    def accept(self, timeout: float = TIMEOUT) -> Peer:
        """The next process that says hello."""
        self.server.settimeout(timeout)
        try:
            sock, _ = self.server.accept()
        except socket.timeout:
            raise AssertionError(f"nobody said hello; log:\n{self.log()}") from None
        peer = Peer(self, sock)
        self.peers.append(peer)
        peer.hello = peer.expect("hello")
        return peer

    def boot(self, *argv: str, **options: Any) -> Peer:
        """Start the command and return its mold, ready."""
        self.start(*argv, **options)
        mold = self.accept()
        mold.welcome(-1, 0)
        mold.expect("ready")
        return mold

    def wait_command(self, timeout: float = TIMEOUT) -> int:
        """The command's exit code."""

        def ended() -> tuple[int, int] | None:
            pid, status = os.waitpid(self.command_pid, os.WNOHANG)
            return (pid, status) if pid else None

        _, status = eventually(ended, f"the command did not end; log:\n{self.log()}", timeout)
        self.reaped.add(self.command_pid)
        return os.waitstatus_to_exitcode(status)

    def spawn_id(self) -> str:
        self.spawns += 1
        return f"t{self.spawns}"

    def order(self, mold: Peer, slot: int) -> Peer:
        """Have the mold fork a worker; return it before its welcome."""
        spawn = self.spawn_id()
        mold.send("spawn", spawn=spawn, slot=slot, generation=mold.generation)
        spawned = mold.expect("spawned")
        assert spawned["spawn"] == spawn
        worker = self.accept()
        assert worker.pid == spawned["pid"] == worker.hello["pid"]
        assert (worker.hello["role"], worker.hello["spawn"]) == ("worker", spawn)
        worker.spawn = spawn
        worker.slot = slot
        worker.generation = mold.generation
        return worker

    def spawn(self, mold: Peer, slot: int = 0) -> Peer:
        """Have the mold fork a worker; return it ready."""
        worker = self.order(mold, slot)
        worker.welcome(slot, mold.generation)
        worker.expect("ready")
        return worker

    def ask_promote(self, worker: Peer, generation: int, timeout: int = 10_000) -> str:
        spawn = self.spawn_id()
        now = time.monotonic_ns()
        worker.send("promote", generation=generation, spawn=spawn, timeout=timeout, sent=now)
        return spawn

    def new_mold(self, worker: Peer, spawn: str) -> Peer:
        """After `promoting`: the mold that the worker forks, before its welcome."""
        spawned = worker.expect("spawned")
        assert spawned["spawn"] == spawn
        mold = self.accept()
        assert mold.pid == spawned["pid"]
        assert (mold.hello["role"], mold.hello["spawn"]) == ("mold", spawn)
        return mold

    def promote(self, worker: Peer, generation: int) -> Peer:
        """Make a mold of a worker; return it ready. The worker waits for its verdict."""
        spawn = self.ask_promote(worker, generation)
        worker.expect("promoting")
        mold = self.new_mold(worker, spawn)
        mold.welcome(-1, generation)
        mold.expect("ready")
        return mold
