"""A small ASGI application that tells who answers, and can be slow, large, endless, or wrong."""

import asyncio
import contextvars
import json
import os

LOADS = {"count": 0, "warm": 0}
LOADS["count"] += 1
LIVES = []
"""What the lifespan did in this process and those it was forked from."""
WHERE = contextvars.ContextVar("WHERE", default="nowhere")


async def application(scope, receive, send):
    await {"lifespan": _lifespan, "websocket": _websocket, "http": _http}[scope["type"]](scope, receive, send)


async def _lifespan(scope, receive, send):
    while True:
        message = await receive()
        LIVES.append([message["type"].rpartition(".")[2], os.getpid()])
        WHERE.set("lifespan")
        if os.environ.get("PROBE_STATE") and "state" in scope:
            scope["state"]["cache"] = {}
        if message["type"] == "lifespan.shutdown" and os.environ.get("PROBE_END_HANGS"):
            await asyncio.sleep(60)
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _websocket(_scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            LOADS["code"] = message.get("code")
            return
        text = json.dumps({"pid": os.getpid()})
        if message.get("text") == "flood":  # more than any buffer on the way takes
            text = "x" * (8 << 20)
        await send({"type": "websocket.send", "text": text})


async def _http(scope, receive, send):
    path = scope["path"]
    query = dict(part.split("=", 1) for part in scope["query_string"].decode().split("&") if "=" in part)
    LOADS["warm"] += 1
    if path == "/fail":
        raise RuntimeError("asked to fail")
    if path == "/500":
        await _answer(send, b"", status=500)
        return
    if path == "/slow":
        await asyncio.sleep(float(query.get("s", "1")))
    if path in ("/stream", "/events"):
        kind = b"text/event-stream" if path == "/events" else b"text/plain"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        for number in range(int(query.get("n", "5"))):
            await asyncio.sleep(float(query.get("s", "0.2")))
            await send({"type": "http.response.body", "body": b"%d\n" % number, "more_body": True})
        await send({"type": "http.response.body"})
        return
    body = b""
    if path in ("/upload", "/exec"):
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
    if path == "/upload":
        answer = {"read": len(body)}
    elif path == "/exec":
        names = {}
        exec(body.decode(), names)
        answer = names.get("result")
    elif path == "/lives":
        answer = {
            "pid": os.getpid(),
            "lives": LIVES,
            "loop": type(asyncio.get_running_loop()).__module__,
            "where": WHERE.get(),
        }
    else:
        answer = {"pid": os.getpid(), **LOADS}
    await _answer(send, json.dumps(answer).encode())


async def _answer(send, body, status=200):
    kind = b"application/json" if body else b"text/plain"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
