"""A step on the main thread that must not take for ever, such as a hook of the application."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any, Callable

AGAIN = 1.0
"""Seconds until a step that has caught the interruption is interrupted once more."""


class TimeUp(BaseException):
    """The step took too long. No Exception, so that the step does not take it for a failure of what it calls."""


def within(seconds: float, step: Callable[[], Any]) -> None:
    """Run `step`; raises TimeUp, in the middle of it, when it has not ended within `seconds`.

    By SIGALRM, so on the main thread only, and not while a call into a library holds it.
    """

    def time_up(_number: int, _frame: FrameType | None) -> None:
        raise TimeUp

    if seconds <= 0:
        raise TimeUp
    former = signal.signal(signal.SIGALRM, time_up)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            step()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        # Once more: the interruption may have come just when the step had ended, in place of the line above.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if former is None else former)
