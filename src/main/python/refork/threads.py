"""Threads of this process, the runtime's and native ones, and which of them keep it from being promoted."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

from . import kernel

ALWAYS_ALLOWED = ("libuv-worker",)
"""Native threads known to survive a fork of their process: libuv starts its pool anew in the child."""

KERNELS = re.compile(r"iou-(sqp|wrk)-\d+")
"""The kernel's own threads for io_uring, which libuv uses: they hold no lock of the process, and vanish a while after
their ring was closed. A ring that is open is a descriptor, and refused as such."""

UNNAMED = "unnamed"
"""What a native thread is called that never named itself, and so carries its process's name."""


def names() -> list[str]:
    """Names of the runtime's threads, the main one left out."""
    return [thread.name for thread in _others()]


def baseline() -> Counter[str]:
    """What the boot mold has when it is ready: as many threads of each name may live at a promotion."""
    return Counter(_plain(name) for name in names())


def in_the_way(allowed: Iterable[str], usual: Counter[str], *, whose: bool = False) -> list[str]:
    """Threads, in words, that forbid a fork now: each may hold a lock that nobody could release in the child.

    Runtime threads count when they are more than the boot mold's of that name (`usual`); native threads always; neither
    when the name is `allowed`. With `whose`, also what they were started for, or run now.
    """
    names_allowed = {*allowed, *ALWAYS_ALLOWED}
    left = Counter(usual)
    found = []
    for thread in _others():
        name = _plain(thread.name)
        if thread.name in names_allowed or name in names_allowed:
            continue
        if left[name] > 0:
            left[name] -= 1
            continue
        found.append(f"thread {thread.name!r}" + (whose_is(thread) if whose else ""))
    return found + _native(names_allowed)


def _native(allowed: set[str]) -> list[str]:
    tasks = kernel.native_threads()
    # Not main_thread().native_id: some versions of CPython keep the parent's there after a fork.
    own = tasks.pop(os.getpid(), "")
    for thread in _others():
        tasks.pop(thread.native_id or 0, None)
    counted = Counter(UNNAMED if name == own else name for name in tasks.values())
    return [
        f"native thread {name!r}" + (f" ({count} of them)" if count > 1 else "")
        for name, count in counted.items()
        if name not in allowed and not KERNELS.fullmatch(name)
    ]


def whose_is(thread: threading.Thread) -> str:
    """What it was started for, or runs now, in brackets; empty where it cannot be told."""
    work_item: Any = getattr(sys.modules.get("concurrent.futures.thread"), "_WorkItem", None)
    frame, inner = sys._current_frames().get(thread.ident or 0), None
    while frame is not None and work_item is not None:
        if frame.f_code is work_item.run.__code__:  # a thread of an executor
            task = f"{inner.f_globals.get('__name__')}.{inner.f_code.co_name}" if inner else "a task"
            return f" (runs {task})"
        frame, inner = frame.f_back, frame
    what: Any = getattr(thread, "_target", None) or type(thread)
    name = getattr(what, "__qualname__", None)
    return f" ({what.__module__}.{name})" if name else ""


def _others() -> list[threading.Thread]:
    main = threading.main_thread()
    return [thread for thread in threading.enumerate() if thread is not main]


def _plain(name: str) -> str:
    """The name without its running number: `Thread-7 (flush)` was `Thread-1 (flush)` before it was restarted."""
    return re.sub(r"\d+", "N", name)
