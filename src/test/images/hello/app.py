"""A WSGI application that does what a test asks of it.

By environment, so by pod template:
  HELLO_TEXT        what `/` answers (hello)
  HELLO_BOOT=fail   raises while it is imported; HELLO_BOOT=SECONDS takes that long
  HELLO_CACHE_MB    what it holds from the start (8)
  HELLO_LEAK_MB     what each request to any path adds to the worker's own memory (0)
By request:
  /                 the text
  /slow?s=SECONDS   answers after that long
  /grow?mb=N        keeps N MiB more, so that less is shared
  /fail             answers 500
  /exit             the worker ends at once, without an answer
  /who              pid, parent's pid, uid, memory held, requests answered, as JSON
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

MIB = 1024 * 1024


def filled(mebibytes: float) -> bytearray:
    """Memory that is really there: each page is written."""
    return bytearray(b"\x5a") * int(mebibytes * MIB)


BOOT = os.environ.get("HELLO_BOOT", "0")
if BOOT == "fail":
    raise RuntimeError("HELLO_BOOT=fail asked for this")
time.sleep(float(BOOT))

TEXT = os.environ.get("HELLO_TEXT", "hello")
LEAK = float(os.environ.get("HELLO_LEAK_MB", "0"))
held = [filled(float(os.environ.get("HELLO_CACHE_MB", "8")))]
answered = 0


def who() -> str:
    return json.dumps(
        {
            "pid": os.getpid(),
            "parent": os.getppid(),
            "uid": os.getuid(),
            "heldMiB": sum(len(block) for block in held) / MIB,
            "answered": answered,
        }
    )


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    global answered
    answered += 1
    query = parse_qs(environ.get("QUERY_STRING", ""))
    status, text = "200 OK", TEXT
    if LEAK:
        held.append(filled(LEAK))
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(float(query.get("s", ["1"])[0]))
    elif path == "/grow":
        held.append(filled(float(query.get("mb", ["1"])[0])))
    elif path == "/fail":
        status, text = "500 Internal Server Error", "asked to"
    elif path == "/exit":
        os._exit(3)
    elif path == "/who":
        text = who()
    body = (text + "\n").encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
