"""gunicorn and uvicorn under the fake agent, and clients for them."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

import pytest
import venvs
from fakeagent import FakeAgent
from peer import Peer

APPS = str(Path(__file__).parent / "apps")
NEWEST = venvs.first("gunicorn27", "3.11", "3.13", "3.12", "3.10")
MIDDLE = venvs.first("gunicorn23", "3.12", "3.9", "3.11")
OLDEST = venvs.first("gunicorn20", "3.9", "3.13", "3.11")
EACH_GUNICORN = [NEWEST, MIDDLE, OLDEST]
UVICORN = venvs.first("uvicorn54", "3.13", "3.12", "3.11", "3.10")
OLD_UVICORN = venvs.first("uvicorn30", "3.9", "3.12", "3.11", "3.10")
EACH_UVICORN = [(UVICORN, "uvloop-httptools"), (UVICORN, "asyncio-h11"), (OLD_UVICORN, "uvloop-httptools")]
COVER_GUNICORN = [(NEWEST, "gthread"), (NEWEST, "sync"), (MIDDLE, "sync"), (OLDEST, "gthread")]
COVER = [*COVER_GUNICORN, *EACH_UVICORN[:2]]
EACH_KIND = [*((pair, kind) for pair in EACH_GUNICORN for kind in ("gthread", "sync")), *EACH_UVICORN]


def python(pair: venvs.Pair) -> str:
    """The pair's interpreter; skips the test, with the reason, where there is none."""
    try:
        return venvs.python(pair)
    except RuntimeError as e:
        pytest.skip(str(e))


class Server:
    """A server in the fake agent's pool."""

    def __init__(self, agent: FakeAgent, pair: venvs.Pair, *arguments: str, **env: str) -> None:
        self.agent = agent
        self.pair = pair
        self.argv = [python(pair), "-m", "refork", *arguments]
        self.env = env

    def boot(self) -> Peer:
        return self.agent.boot(*self.argv, env=self.env)

    def refused(self) -> str:
        """Start it where it ends by itself; what it said, exit code 2 taken for granted."""
        self.agent.start(*self.argv, env=self.env)
        assert self.agent.wait_command() == 2, self.agent.log()
        return self.agent.log()


class Gunicorn(Server):
    """gunicorn with the WSGI probe."""

    def __init__(
        self, agent: FakeAgent, pair: venvs.Pair, *arguments: str, config: str = "", **env: str
    ) -> None:
        file = agent.directory / "gunicorn.conf.py"
        file.write_text(config)
        super().__init__(
            agent, pair, "gunicorn", "--chdir", APPS, "-c", str(file), *arguments, "probe", **env
        )


class Uvicorn(Server):
    """uvicorn with the ASGI probe."""

    def __init__(self, agent: FakeAgent, pair: venvs.Pair, *arguments: str, **env: str) -> None:
        super().__init__(
            agent, pair, "uvicorn", "--app-dir", APPS, *arguments, "asgi_probe:application", **env
        )


def of_kind(agent: FakeAgent, pair: venvs.Pair, kind: str) -> Server:
    """A server by its worker class, or by its event loop and HTTP implementation."""
    if "-" in kind:
        loop, http_parser = kind.split("-")
        return Uvicorn(agent, pair, "--loop", loop, "--http", http_parser)
    return Gunicorn(agent, pair, "-k", kind, *(["--threads", "4"] if kind == "gthread" else []))


def connect(agent: FakeAgent) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(*agent.address, timeout=15)


def get(agent: FakeAgent, path: str = "/", body: str | None = None, **headers: str) -> tuple[int, Any]:
    """One request on a connection of its own: status, and the decoded reply where it is JSON."""
    connection = connect(agent)
    try:
        connection.request("POST" if body else "GET", path, body, {"Connection": "close", **headers})
        response = connection.getresponse()
        data = response.read()
        is_json = response.headers.get("Content-Type") == "application/json"
        return response.status, json.loads(data) if is_json else data
    finally:
        connection.close()


def evaluate(agent: FakeAgent, code: str) -> Any:
    """Run statements in the worker that answers; `result` is the answer."""
    status, answer = get(agent, "/exec", code)
    assert status == 200
    return answer


class Background:
    """A call on a thread; result() waits for it and raises what it raised."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(call, arguments), daemon=True)
        self.thread.start()

    def _run(self, call: Callable[..., Any], arguments: Iterable[Any]) -> None:
        try:
            self.value = call(*arguments)
        except BaseException as e:
            self.error = e

    def result(self) -> Any:
        self.thread.join(30)
        assert not self.thread.is_alive(), "no answer"
        if self.error is not None:
            raise self.error
        return self.value


class Load:
    """Clients that ask without a pause, some on kept-alive connections; counts what failed."""

    def __init__(self, agent: FakeAgent, clients: int = 4) -> None:
        self.agent = agent
        self.done = 0
        self.retried = 0
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n % 2 == 0,)) for n in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, keep: bool) -> None:
        connection = connect(self.agent)
        fresh = True
        while not self._stop.is_set():
            try:
                connection.request("GET", "/", headers={} if keep else {"Connection": "close"})
                response = connection.getresponse()
                response.read()
                if response.status != 200:
                    self.failures.append(str(response.status))
                self.done += 1
                fresh = response.getheader("Connection") == "close"
            except (http.client.HTTPException, OSError, socket.timeout) as e:
                # A kept-alive connection that is closed before a byte of the reply may be retried once.
                early = isinstance(e, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError))
                if fresh or not early:
                    self.failures.append(repr(e))
                self.retried += 1
                fresh = True
            if fresh:
                connection.close()
                connection = connect(self.agent)
        connection.close()
