"""Names of processes, for people who look with `ps` and `top`."""

from __future__ import annotations

from typing import Any

from . import kernel

_setproctitle: Any
try:
    import setproctitle as _setproctitle
except ImportError:
    _setproctitle = None


class Titles:
    """What `ps` shows. `application` is added to the full title, where setproctitle is installed."""

    def __init__(self, application: str = "") -> None:
        self._suffix = f" [{application}]" if application else ""
        self._library: Any = _setproctitle

    def mold(self, generation: int) -> None:
        """Name this process as the mold of a generation."""
        self._set(f"mold g{generation}", f"mold, generation {generation}")

    def worker(self, slot: int, generation: int) -> None:
        """Name this process as the worker in a slot."""
        self._set(f"w{slot} g{generation}", f"worker {slot}, generation {generation}")

    def _set(self, short: str, full: str) -> None:
        if self._library is not None:
            self._library.setproctitle(f"refork: {full}{self._suffix}")
        # After setproctitle, which names the thread as well. 15 bytes are all there is: with three digits the word
        # "refork" gives way, because a cut number would be a wrong one.
        name = f"refork {short}"
        kernel.set_name(name if len(name) <= 15 else f"rf {short}")
