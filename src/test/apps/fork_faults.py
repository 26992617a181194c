"""The test application with what no hook reaches: faults of a spawn before its hello, and processes that lie.

APP_SPAWN_FAULT is the path of a file with one word; the process that it tells to fail removes it first, so a file is one
fault: middle-dies (before its fork), middle-dies-late (after it), middle-hangs, newborn-dies, newborn-hangs.
"""

import json
import os
import signal
import socket
import time

import behaviour
import loop_app
import refork
from refork import forking

_in_middle = False


def told(word):
    """Whether this process is the one to do it."""
    path = os.environ.get("APP_SPAWN_FAULT", "")
    try:
        with open(path) as file:
            if file.read().strip() != word:
                return False
        os.unlink(path)
        return True
    except FileNotFoundError:
        return False


def hang():
    while True:
        time.sleep(1)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def patch():
    """Wrap the steps of a double fork; a step that is not there any more fails right here."""
    middle, fork, reseed = forking._middle, forking._fork, forking._reseed

    def faulty_middle(*args):
        global _in_middle
        if told("middle-dies"):
            die()
        if told("middle-hangs"):
            hang()
        _in_middle = True
        middle(*args)
        _in_middle = False

    def faulty_fork():
        pid = fork()
        if _in_middle and pid and told("middle-dies-late"):
            die()
        return pid

    def faulty_reseed():  # the last step before hello
        if told("newborn-dies"):
            os._exit(9)
        if told("newborn-hangs"):
            hang()
        reseed()

    forking._middle, forking._fork, forking._reseed = faulty_middle, faulty_fork, faulty_reseed


def say(line):
    """What the agent answers to a line on a new connection of this process."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(os.environ["REFORK_SOCKET"])
        sock.sendall(line)
        answer = b""
        while not answer.endswith(b"\n"):
            more = sock.recv(65536)
            if not more:
                break
            answer += more
        return answer.decode().strip()


def claim(spawn, role="worker"):
    """Say hello with a spawn id that is another's."""
    hello = {"type": "hello", "protocol": 1, "role": role, "pid": os.getpid(), "spawn": spawn, "language": "x", "shim": "x"}
    return say(json.dumps(hello).encode() + b"\n")


def orphan(work):
    """Run work in a process whose parent soon is the agent; what it returns, once it has returned."""
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        if os.fork() == 0:
            while os.getppid() == os.getpid() - 1:
                time.sleep(0.001)
            os.write(writing, work().encode())
            os.close(writing)
            time.sleep(1)  # so that it ends while other things happen
        os._exit(0)
    os.close(writing)
    os.waitpid(middle, 0)
    with os.fdopen(reading) as answer:
        return answer.read()


def own_connection():
    """The descriptor of this process's connection to the agent."""
    for name in os.listdir("/proc/self/fd"):
        try:
            sock = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue  # no socket
        with sock:
            try:
                if sock.getpeername() == os.environ["REFORK_SOCKET"]:
                    return int(name)
            except OSError:
                pass  # not connected
    raise AssertionError("no connection to the agent")


def answer(path, slot, generation):
    word, _, rest = path.strip("/").partition("/")
    if word == "claim":
        return 200, claim(rest)
    if word == "claim-as-mold":
        return 200, claim(rest, "mold")
    if word == "claim-as-orphan":
        return 200, orphan(lambda: claim(rest))
    if word == "hang-up":
        hole = os.open("/dev/null", os.O_RDWR)
        os.dup2(hole, own_connection())
        return 200, "pid %d" % os.getpid()
    if word == "babble":
        os.write(own_connection(), b"babble\n")
        return 200, "pid %d" % os.getpid()
    if word == "orphans":
        return 200, ",".join(orphan(lambda: str(os.getpid())) for _ in range(int(rest)))
    return behaviour.answer(path, slot, generation)


def load():
    behaviour.load()
    patch()
    return answer


if __name__ == "__main__":
    refork.run(load, loop_app.serve)
