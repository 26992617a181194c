"""A small WSGI application that tells who answers, and can be slow, large, or wrong."""

import json
import os
import time

LOADS = {"count": 0, "warm": 0}
LOADS["count"] += 1


def application(environ, start_response):
    path = environ["PATH_INFO"]
    query = dict(part.split("=", 1) for part in environ["QUERY_STRING"].split("&") if "=" in part)
    LOADS["warm"] += 1
    if path == "/fail":
        raise RuntimeError("asked to fail")
    if path == "/500":
        start_response("500 Oh", [("Content-Length", "0")])
        return []
    if path == "/slow":
        time.sleep(float(query.get("s", "1")))
    if path == "/upload":
        body = json.dumps({"read": len(environ["wsgi.input"].read())}).encode()
    elif path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return _stream(int(query.get("n", "5")), float(query.get("s", "0.2")))
    elif path == "/environ":
        body = json.dumps({k: str(v) for k, v in environ.items()}).encode()
    elif path == "/exec":
        scope = {}
        exec(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode(), scope)
        body = json.dumps(scope.get("result")).encode()
    else:
        body = json.dumps({"pid": os.getpid(), **LOADS}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _stream(count, pause):
    for number in range(count):
        time.sleep(pause)
        yield b"%d\n" % number
