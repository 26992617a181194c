"""What the test application does, by path; served by loop_app.py, wsgi_app.py and asgi_app.py alike.

Environment: APP_LOAD_SECONDS (how long loading takes), APP_LOAD_MB (memory that it takes), APP_READY_SECONDS (a newborn's pause before it is ready),
APP_FAULT (path of a file; while it exists its first word says what newborns do: crash, hang, or never-ready; with a
second word: only those of generations >= that number; hook: the before_promote hook raises), APP_ERRORS_FROM (a
generation that answers 500 from then on), APP_FORK_SECONDS, APP_PROMOTE_SECONDS, APP_PREPARE_SECONDS (how long the
hooks before_fork, before_promote and after_promote take), APP_HANDLERS (handle CHLD and WINCH, so that they interrupt
system calls).
"""

import gc
import os
import random
import signal
import sys
import threading
import time
import uuid

import processes
import refork

LOADS = 0
CACHE = {}
SERVED = 0
FORK_BEGAN = 0.0
FORK_TOOK = 0.0


def load():
    """Load the application: counts how often, into a file too when APP_LOADS names one."""
    global LOADS
    LOADS += 1
    if os.environ.get("APP_LOADS"):
        with open(os.environ["APP_LOADS"], "a") as f:
            f.write("load %d\n" % os.getpid())
    time.sleep(float(os.environ.get("APP_LOAD_SECONDS", "0")))
    if os.environ.get("APP_LOAD_MB"):
        CACHE["loaded"] = b"x" * (int(os.environ["APP_LOAD_MB"]) * 1024 * 1024)
    if os.environ.get("APP_LOAD_RAISES"):
        raise RuntimeError(os.environ["APP_LOAD_RAISES"])


class Node:
    """Part of a cyclic structure: only the garbage collector frees it."""

    __slots__ = ("other", "text")


def fault(generation):
    """What a newborn of this generation is told to do wrong, or None."""
    path = os.environ.get("APP_FAULT")
    if not path or not os.path.exists(path):
        return None
    with open(path) as f:
        words = f.read().split()
    if len(words) > 1 and generation < int(words[1]):
        return None
    return words[0] if words else None


@refork.after_fork
def _after_fork(*_args):
    global FORK_TOOK
    FORK_TOOK = time.monotonic() - FORK_BEGAN
    seat_generation = int(open("/proc/self/comm").read().rsplit("g", 1)[1])
    wrong = fault(seat_generation)
    if wrong == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if wrong in ("hang", "never-ready"):
        while True:
            time.sleep(1)
    time.sleep(float(os.environ.get("APP_READY_SECONDS", "0")))


@refork.after_fork
def _handlers(*_args):
    if os.environ.get("APP_HANDLERS"):
        for number in (signal.SIGCHLD, signal.SIGWINCH):
            signal.signal(number, lambda *_: None)


def pause(name):
    time.sleep(float(os.environ.get(name, "0")))


@refork.before_fork
def _before_fork():
    global FORK_BEGAN
    FORK_BEGAN = time.monotonic()
    pause("APP_FORK_SECONDS")


@refork.before_promote
def _before_promote():
    pause("APP_PROMOTE_SECONDS")
    if fault(0) == "hook":
        raise RuntimeError("as told")


@refork.after_promote
def _after_promote():
    pause("APP_PREPARE_SECONDS")


def answer(path, slot, generation):
    """(status, text) for a path."""
    global SERVED
    SERVED += 1
    errors_from = os.environ.get("APP_ERRORS_FROM")
    if errors_from and generation >= int(errors_from) and path != "/pid":
        return 500, "bad generation"
    word, _, rest = path.strip("/").partition("/")
    if word in ("", "pid"):
        return 200, "pid %d slot %d generation %d" % (os.getpid(), slot, generation)
    if word == "sleep":
        time.sleep(int(rest) / 1000)
        return 200, "pid %d slept" % os.getpid()
    if word == "status":
        return int(rest), "as asked"
    if word == "exit":
        os._exit(int(rest))
    if word == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if word == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if word in ("hang", "deaf"):
        while True:
            time.sleep(1)
    if word == "loads":
        return 200, "loads %d" % LOADS
    if word == "thread":
        threading.Thread(target=time.sleep, args=(3600,), name=rest or "extra", daemon=True).start()
        return 200, "started"
    if word == "unsafe":
        refork.not_fork_safe(rest or "because")
        return 200, "not fork safe any more"
    if word == "child":
        pid = os.fork()
        if pid == 0:
            time.sleep(3600)
            os._exit(0)
        return 200, "child %d" % pid
    if word == "write":
        CACHE["written"] = open(os.environ["APP_WRITE"], "r+")  # in place, as a database does
        return 200, "open"
    if word == "do":
        return 200, processes.do(rest.split("/"))
    if word == "random":
        return 200, "%s %s %s" % (random.random(), uuid.uuid4(), os.urandom(4).hex())
    if word == "print":
        sys.stdout.write(rest + "\n")  # buffered on purpose: leaving has to flush it
        return 200, "printed"
    if word == "big":
        return 200, "x" * (int(rest) * 1024)
    if word == "cache":
        return 200, build_cache(int(rest))
    if word == "replace":
        replace_cache(int(rest))
        return 200, "replaced"
    if word == "collect":
        gc.collect()
        return 200, "pid %d collected" % os.getpid()
    if word == "forked":
        return 200, "pid %d forked in %d us" % (os.getpid(), FORK_TOOK * 1e6)
    if word == "served":
        return 200, str(SERVED)
    return 404, "no such path"


def build_cache(megabytes):
    """The same cache in every worker, built when it is first asked for: about this many MB of small objects.

    Half of them are containers: those the garbage collector writes to, unless they are frozen.
    """
    if megabytes not in CACHE:
        CACHE[megabytes] = [["%064d" % i, i] for i in range(megabytes * 1024 * 1024 // 256)]
    return "pid %d cached %d" % (os.getpid(), len(CACHE[megabytes]))


def replace_cache(count):
    """A cache of cyclic objects that replaces the one before it."""
    nodes = []
    for i in range(count):
        a, b = Node(), Node()
        a.other, b.other, a.text, b.text = b, a, "%032d" % i, "%032d" % i
        nodes.append(a)
    CACHE["cyclic"] = nodes
