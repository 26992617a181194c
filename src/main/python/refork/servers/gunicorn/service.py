"""From gunicorn's command line to a worker of the pool."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NoReturn

import gunicorn
from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker
from gunicorn.workers.sync import SyncWorker

from ... import hooks
from ...pool import Pool, refuse
from ...run import live, start
from ...seat import Seat
from ...titles import Titles
from .gthread import Gthread
from .settings import Application, GivenConfig, refusal, take_over, warnings
from .sync import Sync
from .worker import SeatWorker

HOW = "refork run -- python -m refork gunicorn ..."


class Server:
    """What gunicorn's server hooks get as `server`: there is no master, so it has the parts that make sense without."""

    def __init__(self, app: Application, cfg: GivenConfig, log: Any) -> None:
        self.app = app
        self.cfg = cfg
        self.log = log
        self.pid = os.getpid()
        self.proc_name = cfg.proc_name
        self.num_workers = cfg.workers
        self.address = cfg.address
        self.timeout = cfg.timeout
        self.worker_age = 0
        self.WORKERS: dict[int, Any] = {}


def serve_forever(arguments: Sequence[str]) -> NoReturn:
    """Read gunicorn's configuration, load the application once, and live as a process of the pool."""
    sys.argv = ["gunicorn", *arguments]
    app = Application("%(prog)s [OPTIONS] [APP_MODULE]", prog="python -m refork gunicorn")
    cfg = app.cfg
    if cfg.print_config or cfg.check_config:
        app.run()  # prints, loads the application, and exits
    worker_class = _worker_class(cfg)
    reason = refusal(cfg)
    if reason:
        refuse(reason)
    pool = Pool.from_environment(os.environ, HOW)
    if not pool.listeners:
        refuse("the agent has no listening socket: give `refork run` one with --listen")
    pool.titles = Titles(cfg.proc_name)
    mold = start(pool)
    for sentence in warnings(cfg) + take_over(cfg, mold.welcome.pool, mold.welcome.timeouts):
        mold.warn("setting", sentence)

    os.environ.update(cfg.env)
    for path in filter(None, (cfg.pythonpath or "").split(",")):
        if os.path.abspath(path) not in sys.path:
            sys.path.insert(0, os.path.abspath(path))
    log = cfg.logger_class(cfg)
    service = _Service(app, Server(app, cfg, log), worker_class)
    cfg.on_starting(service.server)
    if hasattr(worker_class, "check_config"):
        worker_class.check_config(cfg, log)
    app.wsgi()
    log.info("gunicorn %s under Refork, worker class %s", gunicorn.__version__, worker_class.__name__.lower())
    cfg.when_ready(service.server)
    mold.ready()
    live(mold, service.serve)


class _Service:
    """gunicorn's side of a process, in the mold and in workers."""

    def __init__(self, app: Application, server: Server, worker_class: type[SeatWorker]) -> None:
        self.app = app
        self.server = server
        self._class = worker_class
        self._worker: SeatWorker | None = None
        self._prepared: dict[str, Any] = {}
        self._hooks = {
            name: getattr(app.cfg, name) for name in ("pre_request", "post_request", "post_worker_init")
        }
        pre_request, post_request = self._hooks["pre_request"], self._hooks["post_request"]

        def begin(worker: SeatWorker, req: Any) -> None:
            worker.begin()
            pre_request(worker, req)

        def end(worker: SeatWorker, req: Any, environ: Any, resp: Any) -> None:
            try:
                post_request(worker, req, environ, resp)
            finally:
                worker.end(resp)

        app.cfg.set("pre_request", begin)
        app.cfg.set("post_request", end)
        hooks.before_fork(self._pre_fork)
        hooks.after_promote(self._forget_worker)
        hooks.before_exit(self._worker_exit)

    def serve(self, seat: Seat) -> None:
        """Serve on this seat until the agent wants something; a worker that serves on comes here again."""
        cfg, first = self.app.cfg, self._worker is None
        sockets = [_own(listener) for listener in seat.listeners.values()]
        age = self.server.worker_age
        worker = self._class(seat, age, os.getppid(), sockets, self.app, 1.0, cfg, self.server.log)
        self._worker = worker
        if first:
            for name, value in self._prepared.items():
                setattr(worker, name, value)
            cfg.post_fork(self.server, worker)
        cfg.set("post_worker_init", self._hooks["post_worker_init"] if first else lambda _worker: None)
        worker.init_process()
        worker.release()

    def _pre_fork(self) -> None:
        if self._worker is not None:
            return  # a worker that forks a mold: no worker of gunicorn's comes of it
        self.server.worker_age += 1
        fresh = {
            "age": self.server.worker_age,
            "pid": "[booting]",
            "ppid": os.getpid(),
            "cfg": self.app.cfg,
            "log": self.server.log,
            "app": self.app,
        }
        worker = SimpleNamespace(**fresh)
        self.app.cfg.pre_fork(self.server, worker)
        # What the hook has noted on the worker is found there by later hooks.
        self._prepared = {name: value for name, value in vars(worker).items() if name not in fresh}

    def _forget_worker(self) -> None:
        self._worker = None
        self.server.pid = os.getpid()

    def _worker_exit(self) -> None:
        if self._worker is not None:
            self.app.cfg.worker_exit(self.server, self._worker)


def _own(listener: socket.socket) -> socket.socket:
    """A duplicate for gunicorn to close, with the option that it sets on its own sockets."""
    sock = socket.socket(fileno=os.dup(listener.fileno()))
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _worker_class(cfg: GivenConfig) -> type[SeatWorker]:
    """gthread unless the user asks for sync; a class of the user's own where it is derived from one of these."""
    wanted = cfg.settings["worker_class"].get()
    if "worker_class" not in cfg.given:
        wanted = "gthread"
    elif cfg.worker_class_str == "gthread":
        wanted = "gthread"  # sync with more than one thread: gunicorn's own rule
    if wanted in ("gthread", "sync"):
        cfg.settings["worker_class"].set(wanted)
        return Gthread if wanted == "gthread" else Sync
    if wanted in ("gevent", "gevent_wsgi", "gevent_pywsgi", "eventlet", "tornado", "asgi"):
        refuse(f"worker class {wanted} cannot work here: gthread (the default) and sync can")
    if "uvicorn" in str(wanted).lower():
        refuse(
            f"worker class {wanted} cannot work here: serve ASGI applications by `python -m refork uvicorn MODULE:APP`"
        )
    try:
        chosen = util.load_class(wanted)
    except (Exception, SystemExit) as e:
        # gunicorn's message has a whole traceback in it; its last line that names an error is the one to read.
        why = [line for line in str(e).splitlines() if "Error" in line] or [type(e).__name__]
        refuse(f"worker class {wanted} cannot be loaded: {why[-1].strip()}")
    for ours, theirs in ((Gthread, ThreadWorker), (Sync, SyncWorker)):
        if chosen is theirs:
            return ours
        if isinstance(chosen, type) and issubclass(chosen, theirs):
            return type(chosen.__name__, (ours, chosen), {"__module__": chosen.__module__})
    name = wanted if isinstance(wanted, str) else getattr(wanted, "__qualname__", wanted)
    refuse(
        f"worker class {name} cannot work here: gthread (the default), sync and classes derived from them can"
    )
