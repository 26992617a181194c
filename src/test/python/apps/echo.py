"""A socket server on refork.run: answers each line with facts about the process that answers.

The environment makes it misbehave; see the tests.
"""

import atexit
import json
import os
import random
import signal
import socket
import ssl
import sys
import threading
import time
import uuid
import weakref

import refork

LOADS = 0
EXTRA = {}


class Kept:
    """Something that a finalizer can be attached to."""


def load():
    global LOADS
    LOADS += 1
    how = os.environ.get("ECHO_LOAD")
    if how == "raise":
        raise RuntimeError("cannot be loaded")
    if how == "exit":
        raise SystemExit(7)
    atexit.register(print, "atexit from load", os.getpid())
    EXTRA["kept"] = Kept()
    weakref.finalize(EXTRA["kept"], print, "finalizer from load")
    sys.stdout.write("loaded\n")  # stays in the buffer until somebody flushes
    if os.environ.get("ECHO_THREAD"):
        threading.Thread(target=time.sleep, args=(3600,), name="usual-1", daemon=True).start()
    if os.environ.get("ECHO_DATABASE"):
        EXTRA["database"] = socket.create_connection(("127.0.0.1", int(os.environ["ECHO_DATABASE"])))
    if os.environ.get("ECHO_LOADING"):
        exec(os.environ["ECHO_LOADING"], {"extra": EXTRA})
    return {"warm": 0, "cyclic": None}


def answer(application, seat, command):
    name, _, argument = command.partition(" ")
    if name == "facts":
        return {
            "pid": os.getpid(),
            "slot": seat.slot,
            "generation": seat.generation,
            "loads": LOADS,
            "random": random.random(),
            "uuid": str(uuid.uuid4()),
            "tls": ssl.RAND_bytes(8).hex(),
            "warm": application["warm"],
        }
    application["warm"] += 1
    if name == "sleep":
        time.sleep(float(argument))
    elif name == "churn":  # replaces a cyclic cache: garbage that only the collector finds
        cache = [[{"n": n} for n in range(20)] for _ in range(500)]
        cache.append(cache)
        application["cyclic"] = cache
    elif name == "exec":
        scope = {"refork": refork, "extra": EXTRA, "application": application, "seat": seat}
        exec(argument, scope)
        return scope.get("result")
    return "ok"


def serve(application, seat):
    for connection, _ in seat.connections():
        with connection, connection.makefile("rw") as stream:
            try:
                with seat.request():
                    reply = answer(application, seat, stream.readline().rstrip("\n"))
                stream.write(json.dumps(reply) + "\n")
                stream.flush()
            except OSError:
                pass


@refork.after_fork
def note_the_end():
    atexit.register(print, "atexit from worker", os.getpid())
    EXTRA["mine"] = Kept()
    weakref.finalize(EXTRA["mine"], print, "finalizer from worker", os.getpid())
    if os.environ.get("ECHO_AFTER_FORK"):
        raise RuntimeError("no")
    if os.environ.get("ECHO_HANDLERS"):
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGWINCH, lambda *_: None)


class Ticker:
    """A thread that the application needs, stopped for a promotion by a hook."""

    def start(self):
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.end.wait, name="ticker", daemon=True)
        self.thread.start()

    def stop(self):
        self.end.set()
        self.thread.join()
        return self.start  # called when the worker serves on


if os.environ.get("ECHO_TICKER"):
    ticker = Ticker()
    refork.after_fork(ticker.start)
    refork.before_promote(ticker.stop)


def misbehave(how):
    """Once, in the first fork or in the process that it makes."""
    real, parent, forks = os.fork, os.getpid(), [0]

    def fork():
        if os.getpid() == parent:
            forks[0] += 1
            if forks[0] == 1 and how == "raise":
                raise OSError(0, "raised")
        elif forks[0] == 1:  # in the middle process
            if how == "hang":
                time.sleep(60)
            elif how == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            elif how == "refuse":
                raise OSError(11, "no more processes")
            elif how == "hang again":
                pid = real()
                if pid == 0:
                    time.sleep(60)
                return pid
        return real()

    os.fork = fork


if __name__ == "__main__":
    if os.environ.get("ECHO_FORK"):
        misbehave(os.environ["ECHO_FORK"])
    refork.run(load, serve, name="echo")
