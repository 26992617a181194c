"""What the standard library does not offer of Linux: prctl, and a few files of /proc."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_NAME_MAX = 15
"""The kernel keeps 15 bytes of a thread's name and silently cuts the rest."""

_libc = ctypes.CDLL(None, use_errno=True)


class Memory(NamedTuple):
    """Bytes of this process: private (no other process maps them), proportional and resident."""

    private: int
    proportional: int
    resident: int


def set_name(name: str) -> None:
    """Name the calling thread; for the main one that is what `ps` and /proc/PID/comm show."""
    _libc.prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()[:_NAME_MAX]), 0, 0, 0)


def set_parent_death_signal(number: int) -> None:
    """Have the kernel send this signal when the parent dies; raises OSError. A fork clears it."""
    if _libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


def flush_c_streams() -> None:
    """Write out what native libraries have printed through the C library's buffers."""
    _libc.fflush(None)


def memory() -> Memory | None:
    """This process's memory, or None where the kernel does not tell."""
    sums = {"Private": 0, "Pss": 0, "Rss": 0}
    try:
        with open("/proc/self/smaps_rollup") as lines:
            for line in lines:
                name, _, rest = line.partition(":")
                key = "Private" if name in ("Private_Clean", "Private_Dirty") else name
                if key in sums:
                    sums[key] += int(rest.split()[0]) * 1024
    except (OSError, ValueError):
        return None
    return Memory(sums["Private"], sums["Pss"], sums["Rss"])


def native_threads() -> dict[int, str]:
    """Every thread of this process that the kernel knows: thread id and name."""
    threads = {}
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as comm:
                threads[int(task)] = comm.read().rstrip("\n")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    return threads


def living_children() -> dict[int, str]:
    """Child processes that have not ended: pid and name. Those that only wait to be reaped do not count."""
    children = {}
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as listing:
                pids = [int(pid) for pid in listing.read().split()]
        except FileNotFoundError:
            continue  # the thread has just ended, or the kernel has no such file: see _any_child
        for pid in pids:
            try:
                with open(f"/proc/{pid}/stat") as stat:
                    before, _, after = stat.read().rpartition(")")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if after.split()[0] not in ("Z", "X"):
                children[pid] = before.partition("(")[2]
    if not children and not os.path.exists("/proc/thread-self/children") and _any_child():
        children[0] = "unknown: this kernel does not list children"
    return children


def _any_child() -> bool:
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def wait_for_exit(pid: int, timeout: float) -> int | None:
    """The wait status of a child, or None when it has not ended within `timeout` seconds.

    Status 0 when somebody else (a SIGCHLD handler of the application) has reaped it: how it ended is lost then.
    """
    import select
    import time

    deadline = time.monotonic() + timeout
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):
        # Kernels before 5.3. Two milliseconds keep a fork quick without burning the processor.
        while True:
            status = _reap(pid)
            if status is not None or time.monotonic() > deadline:
                return status
            time.sleep(0.002)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(timeout * 1000)
        return _reap(pid)
    finally:
        os.close(handle)


def _reap(pid: int) -> int | None:
    try:
        reaped, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return status if reaped == pid else None


def wait_for_parent(former: int, timeout: float) -> None:
    """Return once this process has another parent than `former`; raises TimeoutError.

    The kernel tells by a parent-death signal, so nothing is polled. All signals must be blocked.
    """
    import time

    set_parent_death_signal(signal.SIGUSR2)
    deadline = time.monotonic() + timeout
    while os.getppid() == former:
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError(f"process {former} has not ended within {timeout:g} s")
        signal.sigtimedwait({signal.SIGUSR2}, rest)
    if signal.SIGUSR2 in signal.sigpending():
        signal.sigtimedwait({signal.SIGUSR2}, 0)
