"""Hooks: what an application wants done around a fork, and its word that it must not be forked.

Each function here is a decorator and returns its argument, so it also works as a plain call. Hooks are registered while
the application loads (or later) and are inherited by every fork. They run in the order of registration, on the main
thread, and take no arguments.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from typing import Callable, TypeVar

Hook = Callable[[], object]
H = TypeVar("H", bound=Hook)


class HookFailed(Exception):
    """A hook raised; the message names the hook and what it raised."""


class Hooks:
    """The hooks of this process."""

    def __init__(self) -> None:
        self.before_fork: list[Hook] = []
        self.after_fork: list[Hook] = []
        self.before_promote: list[Hook] = []
        self.after_promote: list[Hook] = []
        self.before_exit: list[Hook] = []
        self.not_fork_safe: list[str] = []
        self.file: str | None = None
        """Python file to run when the application is loaded, absolute."""
        self.last = ""
        """The hook that was called last, in words."""
        self._undo: list[Hook] = []

    def run_file(self) -> None:
        """Run `file`, which registers hooks; raises what it raises."""
        if self.file is None:
            return
        loader = importlib.machinery.SourceFileLoader("refork_hooks", self.file)
        spec = importlib.util.spec_from_loader("refork_hooks", loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["refork_hooks"] = module
        loader.exec_module(module)

    def run(self, point: str) -> None:
        """Run the hooks of one point; raises HookFailed at the first that raises."""
        for hook in list(getattr(self, point)):
            self._call(point, hook)

    def run_before_promote(self) -> None:
        """Run the before_promote hooks and keep what undoes them; raises HookFailed at the first that raises."""
        for hook in list(self.before_promote):
            undo = self._call("before_promote", hook)
            if callable(undo):
                self._undo.append(undo)

    def undo_promote(self) -> None:
        """The worker serves on: undo what the before_promote hooks did, the last one first; raises HookFailed."""
        while self._undo:
            self._call("before_promote (undo)", self._undo.pop())

    def forget_undo(self) -> None:
        """In the new mold: it is not the process that serves on."""
        self._undo.clear()

    def _call(self, point: str, hook: Hook) -> object:
        self.last = f"the {point} hook {getattr(hook, '__qualname__', None) or repr(hook)}"
        try:
            return hook()
        except Exception as e:
            raise HookFailed(f"{self.last} raised {type(e).__name__}: {e}") from e


registered = Hooks()
"""The hooks of this process; everything below registers here."""


def before_fork(hook: H) -> H:
    """Run in a mold, before it forks a worker, and in a worker, before it forks a mold.

    Raising keeps that one fork from happening.
    """
    registered.before_fork.append(hook)
    return hook


def after_fork(hook: H) -> H:
    """Run in each new worker before it serves: start threads, open connections, set signal handlers here.

    Raising ends that worker.
    """
    registered.after_fork.append(hook)
    return hook


def before_promote(hook: H) -> H:
    """Run in a worker that is to become the origin of the next mold, when it is quiet.

    Stop threads and close connections here: whatever stays open is shared by all later workers. The hook may return a
    function without arguments; it is called when the worker serves on, and restores what the hook took away. Raising
    refuses the promotion (`hook-failed`), and so does not having ended by the promotion's deadline (`timeout`): the hook
    is then interrupted.
    """
    registered.before_promote.append(hook)
    return hook


def after_promote(hook: H) -> H:
    """Run in a new mold before it freezes its heap: throw away what no later worker needs. Raising ends that mold."""
    registered.after_promote.append(hook)
    return hook


def before_exit(hook: H) -> H:
    """Run in a worker that leaves, before the exit handlers that it registered itself.

    Hooks share what is left of the drain time; after SIGTERM they have half a second together by default. One that takes
    longer than its share is interrupted.
    """
    registered.before_exit.append(hook)
    return hook


def not_fork_safe(reason: str | None) -> None:
    """Say that this process must not be promoted, and why; None takes every such reason back.

    Asked for promotion, the worker refuses (`not-fork-safe`) and serves on.
    """
    if reason is None:
        registered.not_fork_safe.clear()
    else:
        registered.not_fork_safe.append(reason)
