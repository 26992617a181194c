"""Threads of OpenBLAS, which numpy and scipy bring along: they end before a fork, and come again when they are needed.

OpenBLAS does the same by a handler of its own at every fork. Without this they would be refused as native threads that
nobody knows, and nearly every application that has multiplied two matrices with them.
"""

from __future__ import annotations

import contextlib
import ctypes


def end_threads() -> None:
    """End them in every copy of the library that is loaded: numpy's and scipy's are two."""
    for path in _loaded():
        with contextlib.suppress(OSError, AttributeError):  # another library of that name
            ctypes.CDLL(path).blas_thread_shutdown_()


def _loaded() -> set[str]:
    try:
        with open("/proc/self/maps", errors="replace") as maps:
            return {
                line.split(maxsplit=5)[5].rstrip("\n")
                for line in maps
                if "openblas" in line and len(line.split(maxsplit=5)) == 6
            }
    except OSError:
        return set()
