"""gunicorn on this pool: configuration, worker loops, HTTP and logs are gunicorn's, the processes are the agent's."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from ...pool import refuse

OLDEST = (20, 1)


def main(arguments: Sequence[str]) -> NoReturn:
    """`python -m refork gunicorn ARGUMENTS`: gunicorn's own arguments. Never returns."""
    try:
        import gunicorn
    except ImportError:
        refuse(
            f"gunicorn is not installed for {sys.executable}: install it, for example `pip install gunicorn`"
        )
    if gunicorn.version_info[:2] < OLDEST:
        refuse(f"gunicorn {gunicorn.__version__} is too old: {'.'.join(map(str, OLDEST))} or newer is needed")
    from .service import serve_forever

    serve_forever(arguments)
