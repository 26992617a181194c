"""One short life of a pool: training.py FOLDER JVM_OPTIONS.

What the agent of FOLDER loads in it, under JVM_OPTIONS, is what its AOT cache will hold: boot, spawns, a worker's
death, an operator's words, a refork by its leave, status, metrics, the end. What it forgets costs private memory and
start time in every pod.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PATIENCE = 60.0
"""Seconds for any one step: a hundred times what it takes, so that a busy machine passes and a hang ends."""


def application() -> None:
    """A server on the shim; this file is also the command that the agent is given."""
    import refork

    def serve(_: object, seat: refork.Seat) -> None:
        for connection, _address in seat.connections():
            with connection, seat.request():
                connection.sendall(b"%d" % os.getpid())

    refork.run(dict, serve, name="training")


class Operator:
    """build/Steer.java, which signs: Python brings no Ed25519."""

    POD = "0b9c5c1e-5d3f-4f3b-9a55-7e0a2f6f8f10"

    def __init__(self, folder: Path, keys: Path, control: str) -> None:
        java = str(Path(os.environ["JAVA_HOME"]) / "bin" / "java")
        source = str(Path(__file__).with_name("Steer.java"))
        self.process = subprocess.Popen(
            [java, "-cp", f"{folder}/lib/*", source, str(keys), control, self.POD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.line()

    def line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("training: the operator has ended")
        return line

    def says(self, word: str) -> dict[str, Any]:
        """The agent's report; ``word`` is tell or permit."""
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.line()))


class Pool:
    def __init__(self, folder: Path, scratch: Path, jvm_options: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.control = f"127.0.0.1:{free.getsockname()[1]}"
        self.socket = scratch / "app.sock"
        self.state = scratch / "state"
        self.refork = str(folder / "bin" / "refork")
        # A developer's own settings must not get into the cache, nor compiled files into the folder.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("REFORK_")}
        self.environment["PYTHONDONTWRITEBYTECODE"] = "1"
        # No more than it takes: what is not given runs the defaults' code, as it does for most users.
        options = {
            "listen": f"unix:{self.socket}",
            "control": self.control,
            "state-dir": str(self.state),
            "canary-soak": "100ms",
            "control-keys": str(scratch / "keys.json"),
            "pod-uid": Operator.POD,
        }
        self.operator = Operator(folder, scratch / "keys.json", self.control)
        command = [self.refork, "run", *(f"--{name}={value}" for name, value in options.items())]
        self.process = subprocess.Popen(
            [*command, "--", sys.executable, __file__],
            env={**self.environment, "REFORK_JVM_OPTIONS": jvm_options},
        )

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.control}{path}", timeout=PATIENCE) as reply:
            return str(reply.read().decode())

    def ready(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(self.get("/readyz"))
        return False

    def request(self) -> int:
        """The pid of the worker that answered."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(self.socket))
            return int(client.recv(100))

    def requests(self, count: int) -> bool:
        return all(self.request() for _ in range(count))

    def status(self) -> dict[str, Any]:
        # Without the JVM options: a second JVM would write into the same recording.
        command = [self.refork, "status", f"--state-dir={self.state}", "-o", "json"]
        return dict(json.loads(subprocess.check_output(command, env=self.environment, timeout=PATIENCE)))

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"training: {what}: not within {PATIENCE:.0f} s, or the agent has ended")
            time.sleep(0.02)


@contextlib.contextmanager
def running(folder: Path, scratch: Path, jvm_options: str) -> Iterator[Pool]:
    pool = Pool(folder, scratch, jvm_options)
    try:
        yield pool
        pool.process.terminate()
        if pool.process.wait(PATIENCE) != 0:
            raise SystemExit(f"training: the agent ended with {pool.process.returncode}")
    finally:
        pool.process.kill()
        pool.operator.process.kill()


def main(folder: Path, jvm_options: str) -> None:
    with tempfile.TemporaryDirectory() as scratch, running(folder, Path(scratch), jvm_options) as pool:
        pool.until("ready", pool.ready)
        os.kill(pool.request(), signal.SIGKILL)
        # Several requests for each word: an operator may say four a second, after a burst of twenty.
        pool.until("eligible", lambda: pool.requests(5) and "eligible" in pool.operator.says("tell"))
        pool.operator.says("permit")
        pool.until("a refork", lambda: "refork_generation 1" in pool.get("/metrics"))
        pool.until("settled", lambda: all(w["generation"] == 1 for w in pool.status()["workers"]))
        pool.operator.says("tell")
        pool.get("/startupz")
        pool.get("/livez")


if __name__ == "__main__":
    if "REFORK_SOCKET" in os.environ:
        application()
    else:
        main(Path(sys.argv[1]).resolve(), sys.argv[2])
