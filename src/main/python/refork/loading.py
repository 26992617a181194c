"""What an application has left running by the time it is loaded, and why forks of it would miss that."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Callable

from . import kernel, threads

SETTLE = 0.5
"""Seconds for threads to vanish that have just ended: the kernel lists them a little longer, as if they were native."""

COME_BACK = ("Otel", "sentry.", "sentry-")
"""Threads that their libraries start again in each fork: OpenTelemetry at once, Sentry with the next event."""

POOLED_BY = ("mkl_rt", "libgomp", "libomp", "libiomp", "blis")
"""Libraries of native threads without a name, by a part of their file's name.

They start their threads in each fork when they are first used there; the boot mold calls none of them any more.
"""

LEFT = "left running by loading: "

SENTENCE = 200
"""Characters of a warning that the agent's log keeps."""


def trouble(allowed: Iterable[str]) -> list[tuple[str, str]]:
    """In the boot mold, the application loaded: code and sentence of each thing that its workers will not have.

    `allowed` are names of threads that the operator of the pool accepts.
    """
    looks: list[tuple[str, Callable[[], str | None]]] = [
        ("load-patched", _patched),
        ("load-loop", _loops),
        ("load-threads", lambda: _threads(set(allowed))),
        ("load-children", _children),
    ]
    found = []
    for code, look in looks:
        try:
            sentence = look()
        except Exception as e:  # no warning is worth an application that does not start
            print(f"refork: could not look for {code}: {type(e).__name__}: {e}", file=sys.stderr)
            continue
        if sentence:
            found.append((code, sentence))
    return found


def running_loop() -> bool:
    """Whether an event loop is running on this thread."""
    asyncio: Any = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def _threads(allowed: set[str]) -> str | None:
    usual = Counter({name: count for name, count in threads.baseline().items() if name.startswith(COME_BACK)})
    pooled = {threads.UNNAMED} if _pools_are_loaded() else set()
    end = time.monotonic() + SETTLE
    found = threads.in_the_way(allowed | pooled, usual)
    while any(what.startswith("native") for what in found) and time.monotonic() < end:
        time.sleep(0.01)
        found = threads.in_the_way(allowed | pooled, usual)
    if not found:
        return None
    what = "; workers have copies of their locks, but not them: start them in an after_fork hook"
    return _sentence(LEFT, found, what)


def _pools_are_loaded() -> bool:
    try:
        with open("/proc/self/maps", errors="replace") as maps:
            return any(part in line for line in maps for part in POOLED_BY)
    except OSError:
        return False


def _children() -> str | None:
    children = kernel.living_children()
    children.pop(_resource_tracker(), None)
    if not children:
        return None
    end = "; their parent is the boot mold, which ends with the first refork: start them beside the pool"
    return _sentence(LEFT, [f"process {pid} ({name})" for pid, name in children.items()], end)


def _resource_tracker() -> int:
    """The pid of multiprocessing's own helper: it outlives the mold, by a pipe that all forks have; 0 without one."""
    module: Any = sys.modules.get("multiprocessing.resource_tracker")
    return (module and getattr(module._resource_tracker, "_pid", None)) or 0


def _loops() -> str | None:
    events: Any = sys.modules.get("asyncio.events")
    if events is None:
        return None
    # Not isinstance(): proxies, such as Flask's, answer for what is behind them, and raise when there is nothing.
    # And kinds first, in C: with five million objects 0.9 s instead of 1.5. By id, because a kind need have no hash.
    everything = gc.get_objects()
    kinds: dict[int, type] = dict(zip(map(id, map(type, everything)), map(type, everything)))
    wanted = {number for number, kind in kinds.items() if issubclass(kind, events.AbstractEventLoop)}
    loops = [o for o in everything if id(type(o)) in wanted] if wanted else []
    running = [loop for loop in loops if loop.is_running()]
    if running:
        names = [f"in thread {_name_of(loop)!r}" for loop in running]
        end = "; in workers it stands still, and who asks it waits for ever: start it in an after_fork hook"
        return _sentence(f"{LEFT}an event loop ", names, end)
    if any(not loop.is_closed() for loop in loops):
        return (
            "left open by loading: an event loop; all workers would share its descriptors: close it, or make it in an"
            " after_fork hook"
        )
    return None


def _name_of(loop: Any) -> str:
    number = getattr(loop, "_thread_id", None)
    return next((t.name for t in threading.enumerate() if t.ident == number), "unknown")


def _patched() -> str | None:
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    if gevent is not None and getattr(gevent, "saved", None):
        name = "gevent"
    elif eventlet is not None and getattr(eventlet, "already_patched", None):
        name = "eventlet"
    else:
        return None
    return (
        f"{name} has patched the standard library: its hub does not survive the fork of a running worker; leave out"
        " monkey.patch_all() and serve with threads"
    )


def _sentence(start: str, what: list[str], end: str) -> str:
    """As many of the names as leave room for what to do."""
    for shown in range(len(what), 0, -1):
        more = f" and {len(what) - shown} more" if shown < len(what) else ""
        sentence = start + ", ".join(what[:shown]) + more + end
        if len(sentence) <= SENTENCE:
            break
    return sentence
