"""Applications made of a recipe of docs/recipes.md, and taken through generations."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import venvs
from peer import eventually
from servers import Background, get, python

ROOT = Path(__file__).resolve().parents[3]
RECIPES = venvs.first("recipes", "3.12", "3.13", "3.11", "3.10")
SERVE = """
import json as _json, os as _os, threading as _threading, time as _time


def application(environ, start_response):
    status, body = "200 OK", use(environ["PATH_INFO"])
    if not isinstance(body, bytes):
        _time.sleep(0.02)  # so that a sibling takes the next one
        body = _json.dumps({"pid": _os.getpid(), "value": body}).encode()
    start_response(status, [("Content-Type", "application/json" if body[:1] == b"{" else "text/plain")])
    return [body]
"""


def recipe(title: str) -> str:
    """The code below this heading of docs/recipes.md."""
    text = (ROOT / "docs" / "recipes.md").read_text()
    (section,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    (code,) = re.findall(r"```python\n(.*?)```", section, re.S)
    return code


class Shop:
    """An application under gunicorn, two workers in the fake agent's pool, taken through generations."""

    def __init__(self, agent, code: str, env: dict[str, str], after: str = "") -> None:
        (agent.directory / "shop.py").write_text(code + SERVE + after)
        self.agent = agent
        self.answers: list[dict] = []
        arguments = ["-m", "refork", "gunicorn", "--chdir", str(agent.directory), "--threads", "2", "shop"]
        self.mold = agent.boot(python(RECIPES), *arguments, env=env)
        self.workers = [agent.spawn(self.mold, slot) for slot in range(2)]
        self.generation = 0

    def ask(self) -> None:
        """Requests, until each worker has answered three times."""

        def asked_all() -> bool:
            for answer in [Background(get, self.agent, "/use") for _ in range(4)]:
                status, reply = answer.result()
                assert status == 200, self.agent.log()
                self.answers.append(reply)
            seen = Counter(a["pid"] for a in self.answers)
            return all(seen[w.pid] >= 3 for w in self.workers)

        eventually(asked_all, "not all workers answer")

    def promote(self) -> None:
        """A worker becomes the next mold, and its forks replace all workers."""
        self.generation += 1
        mold = self.agent.promote(self.workers[0], self.generation)
        assert sockets(mold) == sockets(self.mold), "nothing but its own is open in the mold"
        eventually(lambda: len(list(Path(f"/proc/{mold.pid}/task").iterdir())) == 1, "the mold has threads")
        for slot, worker in enumerate(self.workers):
            worker.stop()
            self.workers[slot] = self.agent.spawn(mold, slot)
        self.mold.stop()
        self.mold = mold

    def fail_to_promote(self) -> None:
        """A promotion that comes to nothing: the worker serves on."""
        self.agent.ask_promote(self.workers[0], 99)
        self.workers[0].expect("promoting")
        self.workers[0].expect("spawned")
        self.agent.accept().kill()
        self.workers[0].send("resume", reason="test")

    def refused(self) -> tuple[str, str]:
        """Why the first worker cannot be promoted."""
        self.agent.ask_promote(self.workers[0], self.generation + 1)
        self.workers[0].expect("promoting")
        why = self.workers[0].expect("refused")
        return why["reason"], why["detail"]

    def stop(self) -> None:
        for process in [*self.workers, self.mold]:
            process.stop()
        assert "Traceback" not in self.agent.log(), self.agent.log()


def sockets(mold) -> int:
    """How many sockets, and databases of the tests, are open there."""
    return sum(name.startswith("socket:") or "/data.db" in name for name in mold.descriptors().values())


def live(agent, code: str, after: str = "", **env: str) -> Shop:
    """Three generations of it, with requests in each, and one promotion that comes to nothing.

    `after` is code that finds `application` made.
    """
    shop = Shop(agent, code, env, after)
    for _ in range(3):
        shop.ask()
        if shop.generation == 1:
            shop.fail_to_promote()
            shop.ask()
        shop.promote()
    shop.ask()
    shop.stop()
    return shop


def refusal(agent, code: str, **env: str) -> tuple[str, str]:
    """What the agent is told when a worker that has served is to be promoted."""
    shop = Shop(agent, code, env)
    shop.ask()
    return shop.refused()
