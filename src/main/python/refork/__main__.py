"""`python -m refork SERVER ...`: a server's own command line, its workers forked by a Refork agent."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .hooks import registered
from .pool import refuse
from .version import VERSION

USAGE = """\
usage: refork run [options] -- python -m refork [--hooks FILE] gunicorn ARGUMENTS...
       refork run [options] -- python -m refork [--hooks FILE] uvicorn ARGUMENTS...

ARGUMENTS are the server's own, gunicorn's configuration file (-c) included. What the agent decides (addresses, workers,
timeouts, backlog, requests per worker) is given to `refork run` instead. docs/python.md tells what differs.

--hooks FILE runs a Python file when the application is loaded: the place for refork.before_promote, refork.after_fork
and so on when the application is not yours.

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
    arguments = _hooks(arguments)
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


def _hooks(arguments: Sequence[str]) -> Sequence[str]:
    """Note the file of --hooks; what is left of the arguments."""
    first, equals, file = arguments[0].partition("=")
    if first != "--hooks":
        return arguments
    rest = arguments[1:] if equals else arguments[2:]
    file = file if equals else "".join(arguments[1:2])
    if not rest or not file:
        refuse("--hooks needs a file, and a server after it: python -m refork --hooks FILE gunicorn ...")
    if not os.path.isfile(file):
        refuse(f"--hooks {file}: there is no such file in {os.getcwd()}")
    registered.file = os.path.abspath(file)  # the server may change the directory
    return rest


if __name__ == "__main__":
    main(sys.argv[1:])
