"""A socket server on refork.run: answers each line with facts about the process that answers."""

import atexit
import json
import os
import random
import sys
import threading
import time
import uuid
import weakref

import refork

LOADS = 0
EXTRA = {}


class Kept:
    pass


def load():
    global LOADS
    LOADS += 1
    atexit.register(print, "atexit from load", os.getpid())
    EXTRA["kept"] = Kept()
    weakref.finalize(EXTRA["kept"], print, "finalizer from load")
    sys.stdout.write("loaded\n")
    if os.environ.get("ECHO_THREAD"):
        threading.Thread(target=time.sleep, args=(3600,), name="usual-1", daemon=True).start()
    return {"warm": 0}


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
            "warm": application["warm"],
        }
    application["warm"] += 1
    if name == "sleep":
        time.sleep(float(argument))
    elif name == "fail":
        raise RuntimeError("asked to fail")
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
            except RuntimeError as e:
                stream.write(json.dumps(str(e)) + "\n")


@refork.after_fork
def hello():
    atexit.register(print, "atexit from worker", os.getpid())
    EXTRA["mine"] = Kept()
    weakref.finalize(EXTRA["mine"], print, "finalizer from worker", os.getpid())


if __name__ == "__main__":
    refork.run(load, serve, name="echo")
