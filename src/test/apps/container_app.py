"""What a process in a pool's container is, sees and can write, as JSON: in a worker by any GET, else on standard output.

`python container_app.py find` looks for the text on standard input in every file of the container.
"""

import errno
import json
import os
import sys

AGENT = 1
OURS = ["/opt/refork", "/etc/refork"]
OUTSIDE = ["/proc", "/sys", "/dev"]


def outcome(attempt):
    try:
        attempt()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]


def fields(pid):
    with open(f"/proc/{pid}/status") as f:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in f)}


def command(pid):
    with open(f"/proc/{pid}/cmdline") as f:
        return f.read().split("\0")[0]


def every_file(roots):
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in OUTSIDE]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    yield path


def append(path):
    with open(path, "ab"):
        pass


def create(folder):
    path = os.path.join(folder, "made-by-the-application")
    with open(path, "wb"):
        pass
    os.unlink(path)


def writes():
    """What came of opening each file of the agent for writing, of new files beside them, and of replacing them."""
    found = {}
    for path in every_file(OURS):
        found[path] = outcome(lambda path=path: append(path))
    for folder in [*OURS, "/opt/refork/bin", "/", "/usr/bin", "/etc", "/var"]:
        found[folder + "/"] = outcome(lambda folder=folder: create(folder))
    found["chmod"] = outcome(lambda: os.chmod("/opt/refork/bin/refork", 0o777))
    found["unlink"] = outcome(lambda: os.unlink("/opt/refork/bin/refork"))
    found["rename"] = outcome(lambda: os.rename("/opt/refork", "/opt/other"))
    return found


def mount(path):
    with open("/proc/self/mountinfo") as f:
        return [line.split()[5].split(",") for line in f if line.split()[4] == path]


def report():
    children = [pid for pid in os.listdir("/proc") if pid.isdigit() and fields(pid)["PPid"] == str(AGENT)]
    return {
        "self": {"pid": os.getpid(), **fields("self")},
        "agent": {"command": command(AGENT), **fields(AGENT)},
        "children": {pid: fields(pid)["Name"] for pid in children},
        "writes": writes(),
        "mounts": {path: mount(path) for path in ["/", "/opt/refork", "/etc/refork", "/run/refork", "/tmp"]},
        "works": {
            folder: outcome(lambda folder=folder: create(folder))
            for folder in ["/tmp", "/run/refork", "/dev/shm"]
        },
        "token": os.path.exists("/var/run/secrets") or os.path.exists("/run/secrets"),
        "keys": sorted(os.listdir("/etc/refork")),
    }


def find(text):
    holding = []
    for path in every_file(["/"]):
        try:
            with open(path, "rb") as f:
                if text in f.read():
                    holding.append(path)
        except OSError:
            pass  # what cannot be read holds no secret from us
    return holding


def serve(_, seat):
    for connection, _address in seat.connections():
        with connection, seat.request():
            connection.recv(65536)
            body = json.dumps(report()).encode()
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
            )


if __name__ == "__main__":
    if sys.argv[1:] == ["find"]:
        print(json.dumps(find(sys.stdin.buffer.read().strip())))
    elif sys.argv[1:] == ["report"]:
        print(json.dumps(report()))
    else:
        import refork

        refork.run(dict, serve)
