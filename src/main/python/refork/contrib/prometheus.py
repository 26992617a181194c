"""prometheus_client's multiprocess mode on this pool: `import refork.contrib.prometheus` before the first metric is made.

prometheus_client names its files after the process, and none but gauges of live processes ever goes away: each refork
would leave the files of all workers behind. Here they are named after the slot. The next worker of a slot goes on where
the last one ended, however it ended, so counters keep their value and workers have never more files than slots.
"""

from __future__ import annotations

import contextlib
import glob
import os

from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

from ..hooks import after_fork, before_exit
from ..seat import slot


class _Owner:
    """Whose the files are; they carry what `str` says.

    One is never equal to another. So each process lets go of files that it inherited at its first use of a metric, and
    reads its slot's file anew: values in memory are those of the promotion, and the slot has counted on since.
    """

    def __init__(self) -> None:
        number = slot()
        # Molds and child processes of workers count seldom, and apart: a file must not have two writers.
        self.name = f"pid{os.getpid()}" if number is None else str(number)

    def __str__(self) -> str:
        return self.name


_owner: _Owner | None = None


def _this_process() -> _Owner:
    global _owner
    if _owner is None:
        _owner = _Owner()
    return _owner


def _forget() -> None:
    global _owner
    _owner = None


def _drop_live_gauges() -> None:
    """Gauges of live processes: this one's predecessor may have been killed and have said nothing."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        mark_process_dead(str(_this_process()))


def _drop_live_gauges_of_the_dead() -> None:
    """Those of molds and child processes, which have no slot and so no successor.

    Other files stay: they hold what was counted and set while loading.
    """
    for file in glob.glob(
        os.path.join(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""), "gauge_live*_pid*.db")
    ):
        pid = file.rpartition("_pid")[2][: -len(".db")]
        if not os.path.exists(f"/proc/{pid}"):
            with contextlib.suppress(FileNotFoundError):  # a sibling was faster
                os.remove(file)


def _begin() -> None:
    _forget()
    _drop_live_gauges()
    _drop_live_gauges_of_the_dead()


# prometheus_client itself decides by this variable, at its import, whether values live in files.
if os.environ.get("REFORK_SOCKET") and os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.register_at_fork(after_in_child=_forget)
    values.ValueClass = values.MultiProcessValue(_this_process)
    after_fork(_begin)
    before_exit(_drop_live_gauges)
