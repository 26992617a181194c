"""The Python shim of Refork: preforked workers that share their warm memory.

`run(load, serve)` is for programs of any kind; `python -m refork gunicorn ...` for gunicorn. See docs/python.md.
"""

from .hooks import after_fork, after_promote, before_exit, before_fork, before_promote, not_fork_safe
from .run import run
from .seat import Seat, slot
from .version import VERSION as __version__

__all__ = [
    "Seat",
    "__version__",
    "after_fork",
    "after_promote",
    "before_exit",
    "before_fork",
    "before_promote",
    "not_fork_safe",
    "run",
    "slot",
]
