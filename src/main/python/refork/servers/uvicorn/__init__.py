"""uvicorn on this pool: its configuration, event loop, HTTP and websockets; the processes are the agent's."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from ...pool import refuse

OLDEST = (0, 30)


def main(arguments: Sequence[str]) -> NoReturn:
    """`python -m refork uvicorn ARGUMENTS`: uvicorn's own arguments. Never returns."""
    try:
        import uvicorn
    except ImportError:
        refuse(
            f"uvicorn is not installed for {sys.executable}: install it, for example `pip install uvicorn[standard]`"
        )
    if tuple(int(part) for part in uvicorn.__version__.split(".")[:2]) < OLDEST:
        refuse(f"uvicorn {uvicorn.__version__} is too old: {'.'.join(map(str, OLDEST))} or newer is needed")
    from .service import serve_forever

    serve_forever(arguments)
