"""The wire format of docs/protocol.md: messages in and out, no sockets.

Times on the wire are milliseconds; in here they are seconds, as everywhere in Python.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Callable, Union

PROTOCOL = 1
MAX_LINE = 65_536
"""Longest line either side accepts, its newline included: it bounds what a confused peer can make us hold."""

MAX_TEXT = 2_000
"""Longest free text we send in one field. Far below MAX_LINE even when every character is escaped."""


class ProtocolError(Exception):
    """The other side sent something this version of the protocol does not know.

    `code` is one of the protocol's error codes (`malformed`, `unknown-type`, `unexpected`, `too-long`).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Timeouts:
    """The agent's deadlines in seconds. `request` 0.0 means that requests are not limited."""

    boot: float
    spawn: float
    promote: float
    request: float
    drain: float
    kill: float


@dataclass(frozen=True)
class ListenerInfo:
    """A listening socket of the agent: its name and the address as the user gave it (`HOST:PORT`, `unix:PATH`)."""

    name: str
    address: str


@dataclass(frozen=True)
class PoolInfo:
    """What the agent decides for the whole pool. `max_requests` 0 means that workers are not recycled."""

    workers: int
    backlog: int
    max_requests: int
    listeners: tuple[ListenerInfo, ...]
    threads: tuple[str, ...]


@dataclass(frozen=True)
class Welcome:
    """The agent knows this process now. `slot` is -1 for a mold; `row` is its own row of the scoreboard."""

    slot: int
    generation: int
    row: int
    timeouts: Timeouts
    pool: PoolInfo


@dataclass(frozen=True)
class Spawn:
    """To a mold: fork a worker."""

    spawn: str
    slot: int
    generation: int


@dataclass(frozen=True)
class Promote:
    """To a worker: leave rotation, drain, fork the next mold.

    `timeout` is in seconds from `sent`, a time of the monotonic clock: a worker with one thread may read it late.
    """

    generation: int
    spawn: str
    timeout: float
    sent: float


@dataclass(frozen=True)
class Resume:
    """To a worker that has forked a mold: the mold did not become ready, serve on."""

    reason: str


@dataclass(frozen=True)
class Stop:
    """Leave; a worker has `grace` seconds to finish what is in flight."""

    grace: float


@dataclass(frozen=True)
class Error:
    """The agent turned this process away and closes the connection."""

    code: str
    message: str


Message = Union[Welcome, Spawn, Promote, Resume, Stop, Error]


def encode(type_: str, **fields: Any) -> bytes:
    """One line, its newline included. Fields that are None are left out; long text is cut."""
    message: dict[str, Any] = {"type": type_}
    for name, value in fields.items():
        if value is not None:
            message[name] = value[:MAX_TEXT] if isinstance(value, str) else value
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise ProtocolError("too-long", f"a {type_} message of {len(line)} bytes exceeds {MAX_LINE}")
    return line


def decode(line: bytes) -> Message:
    """The message in one line; raises ProtocolError."""
    try:
        fields = json.loads(line)
    except ValueError:
        raise ProtocolError("malformed", "a line is not JSON") from None
    if not isinstance(fields, dict):
        raise ProtocolError("malformed", "a line is not a JSON object")
    read = _READERS.get(str(fields.get("type")))
    if read is None:
        raise ProtocolError("unknown-type", f"type {fields.get('type')!r:.80} is not known")
    return read(fields)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ProtocolError("malformed", f"{name} must be a string")
    return value


def _number(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProtocolError("malformed", f"{name} must be an integer")
    return value


def _object(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise ProtocolError("malformed", f"{name} must be an object")
    return value


def _list(fields: dict[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise ProtocolError("malformed", f"{name} must be a list")
    return value


def _seconds(fields: dict[str, Any], name: str) -> float:
    return _number(fields, name) / 1000.0


def _listener(value: Any) -> ListenerInfo:
    if not isinstance(value, dict):
        raise ProtocolError("malformed", "listeners must be objects")
    return ListenerInfo(_text(value, "name"), _text(value, "address"))


def _welcome(fields: dict[str, Any]) -> Welcome:
    times, pool = _object(fields, "timeouts"), _object(fields, "pool")
    return Welcome(
        slot=_number(fields, "slot"),
        generation=_number(fields, "generation"),
        row=_number(fields, "row"),
        timeouts=Timeouts(
            **{
                name: _seconds(times, name)
                for name in ("boot", "spawn", "promote", "request", "drain", "kill")
            }
        ),
        pool=PoolInfo(
            workers=_number(pool, "workers"),
            backlog=_number(pool, "backlog"),
            max_requests=_number(pool, "maxRequests"),
            listeners=tuple(_listener(value) for value in _list(pool, "listeners")),
            threads=tuple(str(name) for name in _list(pool, "threads")),
        ),
    )


def _promote(fields: dict[str, Any]) -> Promote:
    sent = _number(fields, "sent") / 1e9 if "sent" in fields else time.monotonic()
    return Promote(_number(fields, "generation"), _text(fields, "spawn"), _seconds(fields, "timeout"), sent)


_READERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "welcome": _welcome,
    "spawn": lambda f: Spawn(_text(f, "spawn"), _number(f, "slot"), _number(f, "generation")),
    "promote": _promote,
    "resume": lambda f: Resume(_text(f, "reason")),
    "stop": lambda f: Stop(_seconds(f, "grace")),
    "error": lambda f: Error(_text(f, "code"), _text(f, "message")),
}
