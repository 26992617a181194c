"""Customers of the shop: paced traffic, for a while. `python visitors.py http://shop [--per-second 80] [--minutes 30]`

Some visitors at a time, each of whom looks at a few pages over one kept-alive connection and goes; then the next one
comes. Once a second it writes a line of JSON: the milliseconds of each answered request, what failed, and how many
requests were sent again because the server had closed the connection that they were to use, as browsers do, too.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import json
import threading
import time
import urllib.parse

from paths import paths

PAGES = 20
"""Pages that one visitor looks at. Connections end, so new pods get their part of the traffic."""


class Counts:
    """What happened since the last line."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millis: list[float] = []
        self._failed: collections.Counter[str] = collections.Counter()
        self._again = 0

    def add(self, millis: float, failure: str, again: bool) -> None:
        with self._lock:
            self._again += again
            if failure:
                self._failed[failure] += 1
            else:
                self._millis.append(round(millis, 1))

    def line(self) -> str:
        with self._lock:
            said = {
                "at": round(time.time(), 1),
                "millis": self._millis,
                "failed": self._failed,
                "again": self._again,
            }
            self._millis, self._failed, self._again = [], collections.Counter(), 0
        return json.dumps(said)


class Visitor:
    """One after the other, over one connection each."""

    def __init__(self, address: str, first: int) -> None:
        self._address = address
        self._paths = paths(4000)
        self._next = first
        self._connection: http.client.HTTPConnection | None = None
        self._pages = 0

    def look(self, counts: Counts) -> None:
        path = self._paths[self._next % len(self._paths)]
        self._next += 1
        begun = time.monotonic()
        kept_alive = self._connection is not None
        failure = self._get(path)
        again = kept_alive and failure.startswith(("RemoteDisconnected", "ConnectionReset", "BrokenPipe"))
        if again:
            failure = self._get(path)
        counts.add(1000 * (time.monotonic() - begun), failure, again)

    def _get(self, path: str) -> str:
        """What went wrong, or nothing."""
        if self._connection is None:
            self._connection, self._pages = http.client.HTTPConnection(self._address, timeout=30), 0
        try:
            self._connection.request("GET", path)
            answer = self._connection.getresponse()
            answer.read()
            self._pages += 1
            if answer.will_close or self._pages == PAGES:
                self._leave()
            return "" if answer.status == 200 else f"status {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            self._leave()
            return f"{type(error).__name__}: {error}"

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def main() -> None:
    parser = argparse.ArgumentParser(description="Paced traffic on the shop.")
    parser.add_argument("url")
    parser.add_argument("--per-second", type=float, default=80)
    parser.add_argument("--visitors", type=int, default=16, help="at a time")
    parser.add_argument("--minutes", type=float, default=30, help="then it ends")
    options = parser.parse_args()
    counts = Counts()
    end = time.monotonic() + 60 * options.minutes
    pause = options.visitors / options.per_second
    address = urllib.parse.urlsplit(options.url).netloc

    def visit(number: int) -> None:
        visitor = Visitor(address, first=number * 251)
        due = time.monotonic() + pause * number / options.visitors
        while due < end:
            time.sleep(max(0.0, due - time.monotonic()))
            visitor.look(counts)
            # Who is late catches up by one request at most: a server that stood still is not punished by a burst.
            due = max(due + pause, time.monotonic() - pause)

    for number in range(options.visitors):
        threading.Thread(target=visit, args=(number,), daemon=True).start()
    while time.monotonic() < end:
        time.sleep(1)
        print(counts.line(), flush=True)


if __name__ == "__main__":
    main()
