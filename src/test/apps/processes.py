"""Processes that an application leaves behind, or needs for a request: what behaviour.py does at /do/..."""

import os
import signal
import subprocess
import time


def do(words):
    """What a path asks for; the text of the reply."""
    return ACTIONS[words[0]](*words[1:])


def orphan(how):
    """Leave an orphan that ends as told, by an exit code or a signal's name, once it is one."""
    middle = os.fork()
    if middle == 0:
        parent = os.getpid()
        if os.fork() == 0:
            while os.getppid() == parent:
                time.sleep(0.001)
            if how.isdigit():
                os._exit(int(how))
            if how != "SIGKILL":
                signal.signal(getattr(signal, how), signal.SIG_DFL)
            os.kill(os.getpid(), getattr(signal, how))
        os._exit(0)
    os.waitpid(middle, 0)
    return "orphan"


def helper(milliseconds):
    """Answer what another program says after a while: without it there is no reply."""
    said = subprocess.run(["sh", "-c", "sleep %.3f; echo helped" % (int(milliseconds) / 1000)], stdout=subprocess.PIPE)
    return said.stdout.decode().strip() or "the helper was hit: %d" % said.returncode


def daemon(directory):
    """Start a program in a session of its own that needs 0.3 s when it is told to end, and says so in files."""
    directory = directory.replace(":", "/")
    script = (
        "trap 'touch {0}/asked; sleep 0.3; touch {0}/done; exit 0' TERM; touch {0}/up; while :; do sleep 0.05; done"
    ).format(directory)
    subprocess.Popen(["sh", "-c", script], start_new_session=True, stdin=subprocess.DEVNULL)
    return "started"


def deaf():
    """Ignore TERM from now on."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return "deaf %d" % os.getpid()


def spin():
    """Never answer, and never sleep."""
    while True:
        pass


ACTIONS = {"orphan": orphan, "helper": helper, "daemon": daemon, "deaf": deaf, "spin": spin}
