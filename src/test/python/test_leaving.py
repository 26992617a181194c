"""How processes end: what runs, what is written, within which time."""

import json
import signal
import socket
import time

import pytest
from echoes import boot, run
from peer import eventually


def test_fork_07_handlers_since_the_fork_run_and_buffers_are_written_once(agent):
    mold = boot(agent)
    worker = agent.spawn(mold, 0)
    run(agent, "import sys; sys.stdout.write('half a line'); import atexit; atexit.register(print, ' ended')")
    worker.stop()
    next_worker = agent.spawn(mold, 1)
    new_mold = agent.promote(next_worker, 1)
    next_worker.stop()
    new_mold.stop()
    mold.stop()
    log = agent.log()
    assert log.count("loaded\n") == 1
    assert log.count("half a line ended") == 1
    for pid in (worker.pid, next_worker.pid):
        assert log.count(f"atexit from worker {pid}\n") == 1
        assert log.count(f"finalizer from worker {pid}\n") == 1
    assert "atexit from load" not in log
    assert "finalizer from load" not in log
    assert f"worker {new_mold.pid}" not in log


def test_fork_07_threads_and_executors_finish_their_work_first(agent):
    worker = agent.spawn(boot(agent), 0)
    run(
        agent,
        "import concurrent.futures as f, time, threading;"
        "extra['pool'] = f.ThreadPoolExecutor(1);"
        "extra['pool'].submit(lambda: (time.sleep(0.2), print('from the pool')));"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('from a thread'))).start()",
    )
    worker.stop()
    assert "from the pool\n" in agent.log()
    assert "from a thread\n" in agent.log()


@pytest.mark.parametrize(
    "trouble",
    [
        "import atexit, time; atexit.register(time.sleep, 60)",
        "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()",
        "refork.before_exit(lambda: 1 / 0)",
        "import atexit; atexit.register(lambda: 1 / 0)",
        "import sys; sys.stdout = None",
    ],
)
def test_fork_07_leaving_is_bounded_and_runs_the_other_handlers(agent, trouble):
    worker = agent.spawn(boot(agent), 0)
    run(agent, "import atexit, os; atexit.register(os.write, 1, b'the other one\\n'); " + trouble)
    begun = time.monotonic()
    worker.stop()
    assert time.monotonic() - begun < 2.0
    if "60" not in trouble or "threading" in trouble:
        assert agent.log().count("the other one\n") == 1


HOOK = "import os, time; refork.before_exit(lambda: (time.sleep({}), os.write(1, b'{}\\n')));"


def test_fork_07_before_exit_hooks_have_the_drain_time(agent):
    worker = agent.spawn(boot(agent), 0)
    run(agent, HOOK.format(0.7, "the first") + HOOK.format(0.7, "the second"))
    worker.stop(grace=10_000)
    assert (agent.log().count("the first\n"), agent.log().count("the second\n")) == (1, 1)


@pytest.mark.parametrize("trouble", ["__import__('time').sleep(60)", "__import__('sys').exit()"])
def test_fork_07_a_before_exit_hook_does_not_take_the_time_of_the_next(agent, trouble):
    worker = agent.spawn(boot(agent), 0)
    run(agent, f"refork.before_exit(lambda: {trouble}); " + HOOK.format(0, "the second"))
    begun = time.monotonic()
    worker.stop(grace=2_000)
    assert time.monotonic() - begun < 3.0
    assert agent.log().count("the second\n") == 1
    assert ("the before_exit hook <lambda> did not end in 0." in agent.log()) == ("60" in trouble)


def test_fork_07_sigterm_takes_the_drain_time_from_before_exit_hooks(agent):
    worker = agent.spawn(boot(agent), 0)
    run(agent, HOOK.format(0, "begun") + HOOK.format(60, "never") + HOOK.format(0, "the last"))
    worker.send("stop", grace=60_000)
    eventually(lambda: "begun\n" in agent.log())
    begun = time.monotonic()
    worker.kill(signal.SIGTERM)
    worker.expect("leaving")
    assert worker.exit_code() == 0
    assert time.monotonic() - begun < 2.0, "SIGKILL follows after two seconds"
    assert ("the last\n" in agent.log(), "never\n" in agent.log()) == (True, False)


def test_a_terminated_worker_flushes_and_leaves_in_the_middle_of_a_request(agent):
    worker = agent.spawn(boot(agent), 0)
    run(agent, "import sys; sys.stdout.write('not yet flushed')")
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"sleep 30\n")
        eventually(lambda: worker.board()["busy"] == 1)
        worker.kill(signal.SIGTERM)
        assert worker.expect("leaving")["reason"] == "terminated"
        assert worker.exit_code() == 0
    assert "not yet flushed" in agent.log()
    assert f"atexit from worker {worker.pid}" in agent.log()


def test_a_stopped_worker_finishes_what_it_has_begun(agent):
    worker = agent.spawn(boot(agent), 0)
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"sleep 0.4\n")
        eventually(lambda: worker.board()["busy"] == 1)
        worker.send("stop", grace=5000)
        assert json.loads(s.makefile().readline()) == "ok"
    assert worker.expect("leaving") == {"type": "leaving", "served": 1, "reason": "stopped"}
    assert worker.exit_code() == 0


def test_a_serving_loop_that_raises_ends_the_worker_with_its_traceback(agent):
    worker = agent.spawn(boot(agent), 0)
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"exec raise KeyError('unheard of')\n")
        assert worker.expect("leaving")["reason"] == "the serving loop raised KeyError"
    assert worker.exit_code() == 1
    assert agent.log().count("unheard of") == 1


def test_an_after_fork_hook_that_raises_ends_the_worker_before_it_is_ready(agent):
    mold = boot(agent, env={"ECHO_AFTER_FORK": "raise"})
    worker = agent.order(mold, 0)
    worker.welcome(0, 0)
    assert "after_fork hook" in worker.expect("leaving")["reason"]
    assert worker.exit_code() == 1
