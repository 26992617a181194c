"""gunicorn's settings here: which are refused, which the agent decides, which have nothing to act on."""

from __future__ import annotations

import os
from typing import Any

from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.config import Config

from ...protocol import PoolInfo, Timeouts

NOTHING_TO_ACT_ON = {
    "child_exit": "the agent reaps workers; use worker_exit or refork.before_exit",
    "control_socket": "`refork status` answers instead",
    "control_socket_mode": "`refork status` answers instead",
    "enable_backlog_metric": "the agent measures the backlog",
    "graceful_timeout": "the agent's --drain-timeout decides",
    "max_requests_jitter": "the agent's --max-requests N+-M decides",
    "nworkers_changed": "the agent decides how many workers there are",
    "on_exit": "there is no gunicorn master; use worker_exit or refork.before_exit",
    "on_reload": "there is no gunicorn master to reload",
    "pidfile": "`refork status` knows the processes",
    "pre_exec": "there is no gunicorn master to upgrade in place",
    "umask": "the agent opens the sockets, and nothing is daemonized",
    "worker_abort": "a request that is too old ends in a traceback and SIGTERM, by the agent's --request-timeout",
    "worker_int": "workers are not told by SIGINT or SIGQUIT",
    "worker_tmp_dir": "the heartbeat goes to the agent's scoreboard, not to a file",
}
"""Settings that gunicorn's master would use, and what does its work here."""


class GivenConfig(Config):  # type: ignore[misc]
    """gunicorn's configuration, which remembers what the user has set: a default is nobody's wish."""

    def __init__(self, usage: str | None = None, prog: str | None = None) -> None:
        super().__init__(usage, prog)
        self.given: set[str] = set()

    def set(self, name: str, value: Any) -> None:
        """Set a setting, as gunicorn does for the command line, the file and GUNICORN_CMD_ARGS."""
        super().set(name, value)
        self.given.add(name)


class Application(WSGIApplication):  # type: ignore[misc]
    """gunicorn's command line application with that configuration."""

    cfg: GivenConfig

    def load_default_config(self) -> None:
        """Called by gunicorn before it reads the user's settings."""
        self.cfg = GivenConfig(self.usage, prog=self.prog)


def refusal(cfg: GivenConfig) -> str | None:
    """Why this configuration cannot work here, in one sentence; None when it can."""
    if cfg.reload:
        return "--reload cannot work here: it restarts workers, which the agent does; use gunicorn alone to develop"
    if cfg.daemon:
        return "--daemon cannot work here: the agent stays in the foreground; leave it out"
    if cfg.reuse_port:
        return "--reuse-port cannot work here: all workers accept from the agent's one socket; leave it out"
    if "preload_app" in cfg.given and not cfg.preload_app:
        return (
            "preload_app = False cannot work here: workers are forks of the loaded application; leave it out"
        )
    if getattr(cfg, "dirty_apps", None):
        return "dirty_apps cannot work here: gunicorn's second kind of worker needs gunicorn's own master"
    if cfg.uid != os.geteuid() or cfg.gid != os.getegid():
        return "user and group cannot be changed here: start the agent as that user (runAsUser in a pod)"
    return None


def warnings(cfg: GivenConfig) -> list[str]:
    """Settings that the user gave and nothing here acts on, a sentence each."""
    return [
        f"gunicorn's {name} has no effect here: {instead}"
        for name, instead in NOTHING_TO_ACT_ON.items()
        if name in cfg.given and name in cfg.settings and _has_a_value(cfg, name)
    ]


def take_over(cfg: GivenConfig, pool: PoolInfo, timeouts: Timeouts) -> list[str]:
    """Let the agent decide what is the agent's; returns a sentence for each setting that the user wanted otherwise."""
    found = []

    def decide(name: str, agents: Any, flag: str, equal: bool, shown: str | None = None) -> None:
        wanted = cfg.settings[name].get()
        if _wanted(cfg, name) and not equal:
            found.append(
                f"gunicorn's {name} is {_plain(wanted)}, the agent's {flag} is {shown or agents}: the agent's counts"
            )
        cfg.settings[name].set(agents)

    addresses = [listener.address for listener in pool.listeners]
    same = {_address(a) for a in cfg.bind} == {_address(a) for a in addresses}
    decide("bind", addresses, "--listen", same, ", ".join(addresses) or "none")
    decide("workers", pool.workers, "--workers", cfg.workers == pool.workers)
    decide("backlog", pool.backlog, "--backlog", cfg.backlog == pool.backlog)
    seconds = timeouts.request
    decide("timeout", int(seconds), "--request-timeout", cfg.timeout == seconds, f"{seconds:g} s")
    equal = cfg.max_requests == pool.max_requests
    # 0, whatever was agreed: the agent counts and replaces, gunicorn's own way would leave a gap.
    decide("max_requests", 0, "--max-requests", equal, str(pool.max_requests))
    cfg.settings["max_requests_jitter"].set(0)
    return found


def _wanted(cfg: GivenConfig, name: str) -> bool:
    # gunicorn takes these two from the environment as defaults.
    variable = {"bind": "PORT", "workers": "WEB_CONCURRENCY"}.get(name)
    return name in cfg.given or (variable is not None and bool(os.environ.get(variable)))


def _has_a_value(cfg: GivenConfig, name: str) -> bool:
    setting = cfg.settings[name]
    return bool(setting.get() != type(setting).default)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _address(text: str) -> str:
    """One spelling for addresses that mean the same to gunicorn."""
    text = text.strip()
    if text.startswith("unix:"):
        return "unix:" + text[len("unix:") :].replace("//", "/")
    host, _, port = text.rpartition("://")[2].rpartition(":")
    return f"{host.strip('[]') or '0.0.0.0'}:{port}" if port.isdigit() else text
