"""uvicorn's settings here: which are refused, which the agent decides, which have nothing to act on."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from ...protocol import PoolInfo

NOTHING_TO_ACT_ON = {
    "limit_max_requests_jitter": "the agent's --max-requests N+-M decides",
    "reload_delay": "there is no reloader",
    "reload_dirs": "there is no reloader",
    "reload_excludes": "there is no reloader",
    "reload_includes": "there is no reloader",
    "timeout_graceful_shutdown": "the agent's --drain-timeout decides",
    "timeout_worker_healthcheck": "the agent watches the workers itself",
}
"""Settings that uvicorn's supervisors would use, and what does their work here."""


@dataclass
class Given:
    """What uvicorn's command line has made of its arguments."""

    app: str
    settings: dict[str, Any]
    chosen: frozenset[str]
    """Names of the settings that the user gave; a default is nobody's wish."""


class _Read(Exception):
    def __init__(self, given: Given) -> None:
        super().__init__()
        self.given = given


def read(arguments: Sequence[str]) -> Given:
    """Read uvicorn's command line with uvicorn's own parser; ends the process where that does (--help, mistakes)."""
    module: Any = importlib.import_module("uvicorn.main")  # the package has a function of this name

    def run(app: str, **settings: Any) -> None:
        context = click.get_current_context()
        default = click.core.ParameterSource.DEFAULT
        chosen = frozenset(n for n in context.params if context.get_parameter_source(n) is not default)
        raise _Read(Given(app, settings, chosen))

    command, original = module.main, module.run
    module.run = run
    try:
        command.main(list(arguments), prog_name="python -m refork uvicorn")
    except _Read as read:
        return read.given
    finally:
        module.run = original
    raise SystemExit(0)


def refusal(given: Given) -> str | None:
    """Why this configuration cannot work here, in one sentence; None when it can."""
    if given.settings.get("reload"):
        return "--reload cannot work here: it restarts workers, which the agent does; use uvicorn alone to develop"
    if given.settings.get("fd") is not None:
        return "--fd cannot work here: the agent opens the sockets; give `refork run` one with --listen"
    return None


def warnings(given: Given) -> list[str]:
    """Settings that the user gave and nothing here acts on, a sentence each."""
    return [
        f"uvicorn's {name} has no effect here: {instead}"
        for name, instead in NOTHING_TO_ACT_ON.items()
        if name in given.chosen
    ]


def take_over(given: Given, pool: PoolInfo) -> list[str]:
    """Let the agent decide what is the agent's; returns a sentence for each setting that the user wanted otherwise."""
    found = []
    settings = given.settings

    def differs(name: str, wanted: Any, flag: str, agents: Any) -> None:
        found.append(f"uvicorn's {name} is {wanted}, the agent's {flag} is {agents}: the agent's counts")

    addresses = [listener.address for listener in pool.listeners]
    shown = ", ".join(addresses) or "none"
    if settings.get("uds"):
        if not any(a == f"unix:{settings['uds']}" for a in addresses):
            differs("uds", settings["uds"], "--listen", shown)
    elif given.chosen & {"host", "port"} and not any(_is(a, given) for a in addresses):
        differs("address", f"{settings['host']}:{settings['port']}", "--listen", shown)
    workers = settings.get("workers") or os.environ.get("WEB_CONCURRENCY")
    if workers and str(workers) != str(pool.workers):
        differs("workers", workers, "--workers", pool.workers)
    if "backlog" in given.chosen and settings["backlog"] != pool.backlog:
        differs("backlog", settings["backlog"], "--backlog", pool.backlog)
    most = settings.get("limit_max_requests")
    if most and most != pool.max_requests:
        differs("limit_max_requests", most, "--max-requests", pool.max_requests)
    # The agent counts and replaces; uvicorn's own way would leave a gap. It supervises, so there is one worker here.
    settings.update(
        backlog=pool.backlog, workers=1, limit_max_requests=None, timeout_graceful_shutdown=None, uds=None
    )
    if "limit_max_requests_jitter" in settings:
        settings["limit_max_requests_jitter"] = 0
    return found


def _is(address: str, given: Given) -> bool:
    """Whether the agent's address is the one that the user gave; what he did not give is as the agent has it."""
    if address.startswith("unix:"):
        return False
    host, _, port = address.rpartition(":")
    same_host = "host" not in given.chosen or given.settings["host"] == host.strip("[]")
    return same_host and ("port" not in given.chosen or str(given.settings["port"]) == port)
