"""An application that tries what a container's application can try against its agent, in a worker, and answers what came of it.

GET /attack?agent=PID&control=PORT answers a JSON object of attempt -> outcome.
"""

import ctypes
import json
import os
import signal
import socket
import urllib.parse

import refork

PTRACE_ATTACH = 16
PTRACE_SEIZE = 0x4206
libc = ctypes.CDLL(None, use_errno=True)


def outcome(attempt):
    try:
        return str(attempt())
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)


def ptrace(request, pid):
    if libc.ptrace(request, pid, None, None) == -1:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "attached"


def bind(port, reuse):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind(("127.0.0.1", port))
        s.listen()
        return "bound"


def read(path):
    with open(path, "rb") as f:
        return "read %d" % len(f.read(1 << 16))


def say(path, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        s.sendall(line)
        return s.recv(1000).decode(errors="replace")


def attack(agent, control):
    sockets = os.environ["REFORK_SOCKET"]
    return {
        "bind": outcome(lambda: bind(control, False)),
        "bind, port shared": outcome(lambda: bind(control, True)),
        "ptrace attach": outcome(lambda: ptrace(PTRACE_ATTACH, agent)),
        "ptrace seize": outcome(lambda: ptrace(PTRACE_SEIZE, agent)),
        "read memory": outcome(lambda: read(f"/proc/{agent}/mem")),
        "read environment": outcome(lambda: read(f"/proc/{agent}/environ")),
        "list descriptors": outcome(lambda: os.listdir(f"/proc/{agent}/fd")),
        "mold socket": outcome(lambda: say(sockets, b'{"type":"hello","protocol":1,"role":"mold","pid":1}\n')),
        "local socket": outcome(
            lambda: say(os.path.join(os.path.dirname(sockets), "agent.sock"), b'{"ask":"refork"}\n')
        ),
        "kill": outcome(lambda: os.kill(agent, signal.SIGKILL) or "sent") if agent == 1 else "not tried",
    }


def serve(_, seat):
    for connection, _address in seat.connections():
        with connection, seat.request():
            target = connection.recv(65536).decode().split(" ")[1]
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query))
            body = json.dumps(attack(int(query["agent"]), int(query["control"]))).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


if __name__ == "__main__":
    refork.run(dict, serve)
