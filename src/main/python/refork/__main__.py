"""`python -m refork SERVER ...`: a server's own command line, its workers forked by a Refork agent."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from .pool import refuse
from .version import VERSION

USAGE = """\
usage: refork run [options] -- python -m refork gunicorn ARGUMENTS...
       refork run [options] -- python -m refork uvicorn ARGUMENTS...

ARGUMENTS are the server's own, gunicorn's configuration file (-c) included. What the agent decides (addresses, workers,
timeouts, backlog, requests per worker) is given to `refork run` instead. docs/python.md tells what differs.

For anything else there is refork.run(load, serve); see `python -c "import refork; help(refork.run)"`.
"""


def main(arguments: Sequence[str]) -> NoReturn:
    """Run the server that the first argument names."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        raise SystemExit(0 if arguments else 2)
    if arguments[0] in ("-V", "--version"):
        print(f"refork {VERSION}")
        raise SystemExit(0)
    if arguments[0] == "gunicorn":
        from .servers.gunicorn import main as gunicorn

        gunicorn(arguments[1:])
    if arguments[0] == "uvicorn":
        from .servers.uvicorn import main as uvicorn

        uvicorn(arguments[1:])
    refuse(
        f"there is no server {arguments[0]!r} here: gunicorn and uvicorn are, and refork.run(load, serve) for everything"
        " else"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
