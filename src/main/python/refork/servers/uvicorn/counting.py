"""Counts requests on the scoreboard, around the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ...scoreboard import Row

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

CONTENT_TYPE = b"content-type"


class Counted:
    """An ASGI application whose requests are counted.

    A request runs until the application returns. What is open for as long as the client likes counts when it begins, or
    the agent's request timeout would end it: a websocket, a stream of server-sent events.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.row: Row | None = None
        """This process's; set before it serves."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        row = self.row
        if scope["type"] == "lifespan" or row is None:
            await self.app(scope, receive, send)
            return
        token = row.begin()
        if scope["type"] == "websocket":
            row.end(token, False)
            await self.app(scope, receive, send)
            return
        status = 0

        # No coroutine of its own: the application awaits the server's.
        def watched(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status < 500 and _is_event_stream(message):
                    row.end(token, False)
            return send(message)

        error = True
        try:
            await self.app(scope, receive, watched)
            error = not 0 < status < 500
        except OSError:
            error = not 0 < status < 500  # mostly a client that went away
            raise
        finally:
            row.end(token, error)


def _is_event_stream(start: Message) -> bool:
    # A loop, because this is asked of each response: half the time of a generator.
    for name, value in start.get("headers", ()):
        if len(name) == len(CONTENT_TYPE) and bytes(name).lower() == CONTENT_TYPE:
            return bytes(value).startswith(b"text/event-stream")
    return False
