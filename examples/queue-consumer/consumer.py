"""A queue consumer on refork.run: jobs are files in a folder, each taken by one worker.

    python consumer.py put 1000                   # 1000 jobs into ./spool
    refork run --workers 4 -- python consumer.py  # four workers take them until they are stopped

The work is a word count against a dictionary that grows with the jobs: the warm memory that the workers share after a
refork. No socket and no server is involved.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import refork

SPOOL = Path(os.environ.get("SPOOL", "spool"))
IDLE = 0.2
"""Seconds between two looks into an empty folder: a job waits at most as long, and looking costs next to nothing."""


class Application:
    """What is loaded once, and warmed by work."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def count(self, text: str) -> int:
        """Number of distinct words; each is looked up, slowly, the first time it is seen."""
        words = set(text.split())
        for word in words - self.known.keys():
            self.known[word] = (word[::-1] + " ") * 50
        return len(words)


def take() -> Path | None:
    """Take the next job, or None when there is none. Renaming is atomic: no two workers get the same one."""
    for job in sorted(SPOOL.glob("*.job"))[:20]:
        mine = job.with_suffix(f".{os.getpid()}")
        try:
            job.rename(mine)
        except FileNotFoundError:
            continue
        return mine
    return None


def serve(application: Application, seat: refork.Seat) -> None:
    """Work until the agent wants this worker to stop or to become the origin of the next mold."""
    while not seat.should_leave:
        seat.beat()
        job = take()
        if job is None:
            seat.wait(IDLE)  # also ends when the agent wants something
            continue
        with seat.request():  # counted: this is what `--refork-after` looks at
            result = application.count(job.read_text())
            job.with_suffix(".done").write_text(f"{result}\n")
            job.unlink()


def put(count: int) -> None:
    """Make jobs, the same words again and again."""
    SPOOL.mkdir(exist_ok=True)
    chance = random.Random(3)
    for number in range(count):
        job = SPOOL / f"{time.time_ns()}-{number}.job"
        text = " ".join(f"word{int(chance.paretovariate(0.4)) % 20_000}" for _ in range(200))
        job.with_suffix(".new").write_text(text)
        job.with_suffix(".new").rename(job)


if __name__ == "__main__":
    if sys.argv[1:2] == ["put"]:
        put(int(sys.argv[2]))
    else:
        import refork  # the agent brings it along; `put` does without

        SPOOL.mkdir(exist_ok=True)
        refork.run(Application, serve, name="queue-consumer")
