"""The test application with exit handlers and buffered output on both sides of the fork."""

import atexit
import logging
import logging.handlers
import os
import time
import weakref

import behaviour
import loop_app
import refork

log = logging.getLogger("app")


class Thing:
    pass


THINGS = [Thing(), Thing()]


def say(text):
    print("%s in %d" % (text, os.getpid()))  # buffered: standard output is a pipe or a file


def load():
    behaviour.load()
    # A handler that keeps lines until it is flushed.
    target = logging.StreamHandler()
    log.addHandler(logging.handlers.MemoryHandler(1000, logging.CRITICAL, target))
    log.setLevel(logging.INFO)
    say("printed at load")
    log.info("logged at load")
    atexit.register(say, "handler of load")
    weakref.finalize(THINGS[0], say, "finalizer of load")
    return behaviour.answer


@refork.after_fork
def start():
    say("printed in worker")
    log.info("logged in worker %d", os.getpid())
    if os.environ.get("APP_SLOW_EXIT"):
        atexit.register(time.sleep, 3600)
    atexit.register(say, "handler of worker")
    weakref.finalize(THINGS[1], say, "finalizer of worker")


@refork.before_exit
def end():
    say("hook at exit")
    log.info("logged at exit %d", os.getpid())


if __name__ == "__main__":
    refork.run(load, loop_app.serve)
