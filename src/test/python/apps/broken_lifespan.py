"""An ASGI application whose start-up fails."""


async def application(_scope, receive, _send):
    await receive()
    raise RuntimeError("asked to fail")
