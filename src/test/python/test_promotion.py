"""Promotion on refork.run, driven by a fake agent: the next mold, refusals, taking it back, many generations."""

import json
import os
import signal
import socket
import sys

import pytest
from echoes import ECHO, ask, boot, run
from peer import eventually


def test_fork_09_threads_of_the_boot_mold_are_usual_and_new_ones_refuse_by_name(agent):
    mold = agent.boot(sys.executable, ECHO, env={"ECHO_THREAD": "1"})
    assert mold.received[-1]["threads"] == ["usual-1"]
    worker = agent.spawn(mold, 0)
    start = "import threading, time; threading.Thread(target=time.sleep, args=(3600,), name={!r}, daemon=True).start()"
    run(agent, start.format("usual-2"))
    agent.promote(worker, 1)
    worker.send("resume", reason="try again")
    run(agent, start.format("new one"))
    agent.ask_promote(worker, 2)
    worker.expect("promoting")
    refused = worker.expect("refused")
    assert refused["reason"] == "threads"
    assert refused["detail"] == (
        "thread 'new one' (time.sleep): stop them in a before_promote hook, start them in after_fork"
    )
    assert ask(agent, "work") == "ok"


@pytest.mark.parametrize("allowed", [[], ["native thing"]])
def test_fork_09_native_threads_refuse_unless_allowed(agent, allowed):
    agent.pool["threads"] = allowed
    worker = agent.spawn(boot(agent), 0)
    run(
        agent,
        "import _thread, time; from refork import kernel;"
        "_thread.start_new_thread(lambda: (kernel.set_name('native thing'), time.sleep(3600)), ());"
        "time.sleep(0.05)",
    )
    if allowed:
        agent.promote(worker, 1)
    else:
        agent.ask_promote(worker, 1)
        worker.expect("promoting")
        assert worker.expect("refused") == {
            "type": "refused",
            "reason": "threads",
            "detail": "native thread 'native thing'",
        }


def test_fork_09_many_threads_are_named_within_what_the_agents_log_keeps(agent):
    worker = agent.spawn(boot(agent), 0)
    start = (
        "threading.Thread(None, time.sleep, f'thread of the shop number {n}', (3600,), daemon=True).start()"
    )
    run(agent, f"import threading, time; [{start} for n in range(9)]")
    agent.ask_promote(worker, 1)
    worker.expect("promoting")
    detail = worker.expect("refused")["detail"]
    assert len(detail) <= 200
    assert "number 2'" in detail
    assert detail.endswith(" and 6 more: stop them in a before_promote hook, start them in after_fork")


def test_fork_09_hooks_stop_a_thread_and_start_it_again_when_the_worker_serves_on(agent):
    worker = agent.spawn(boot(agent, env={"ECHO_TICKER": "1"}), 0)
    names = "import threading; result = [t.name for t in threading.enumerate()]"
    assert "ticker" in run(agent, names)
    mold = agent.promote(worker, 1)
    worker.send("resume", reason="test")
    assert "ticker" in run(agent, names)
    worker.stop()
    agent.spawn(mold, 0)
    assert "ticker" in run(agent, names)


def test_gen_03_a_promoted_worker_is_the_origin_of_the_next_mold(agent):
    mold = boot(agent)
    worker = agent.spawn(mold, 0)
    for _ in range(5):
        ask(agent, "work")
    next_mold = agent.promote(worker, 1)
    assert next_mold.comm() == "refork mold g1"
    assert next_mold.parent() == os.getpid()
    assert worker.board()["state"] == "promoting"
    assert next_mold.received[-1]["memory"]["private"] > 0
    worker.stop()
    mold.stop()
    agent.spawn(next_mold, 0)
    facts = ask(agent, "facts")
    assert (facts["generation"], facts["warm"], facts["loads"]) == (1, 5, 1)


def test_gen_03_a_promoting_worker_leaves_waiting_connections_to_its_siblings(agent):
    mold = boot(agent)
    worker = agent.spawn(mold, 0)
    agent.promote(worker, 1)
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"facts\n")
        s.settimeout(0.2)
        with pytest.raises(socket.timeout):
            s.recv(1)
        s.settimeout(10)
        sibling = agent.spawn(mold, 1)
        assert json.loads(s.makefile().readline())["pid"] == sibling.pid


REFUSALS = [
    ("not-fork-safe", "refork.not_fork_safe('holds a licence')", "holds a licence"),
    (
        "threads",
        "import threading,time; threading.Thread(target=time.sleep, args=(9,), name='t').start()",
        "'t'",
    ),
    ("children", "import subprocess; extra['c'] = subprocess.Popen(['sleep', '30'])", "sleep"),
    ("descriptors", "import os; extra['p'] = os.pipe()", "pipe:"),
    (
        "descriptors",
        "import socket; extra['l'] = socket.create_server(('127.0.0.1', 0))",
        "a listening socket at 127",
    ),
    ("descriptors", "extra['f'] = open(extra['path'], 'w')", "out.w"),
    ("hook-failed", "refork.before_promote(lambda: 1 / 0)", "ZeroDivisionError"),
    ("hook-failed", "refork.before_fork(lambda: 1 / 0)", "ZeroDivisionError"),
    ("fork-failed", "import os, errno; os.fork = lambda: exec('raise OSError(11, \"no\")')", "no"),
]


@pytest.mark.parametrize(("reason", "code", "detail"), REFUSALS)
def test_gen_06_refused_with_a_reason_and_serving_on(agent, reason, code, detail):
    worker = agent.spawn(boot(agent), 0)
    run(agent, f"extra['path'] = {str(agent.out) + '.w'!r}; " + code)
    agent.ask_promote(worker, 1)
    worker.expect("promoting")
    refused = worker.expect("refused")
    assert refused["reason"] == reason
    assert detail in refused["detail"], refused
    assert ask(agent, "work") == "ok"
    assert worker.board()["state"] == "accepting"
    worker.stop()


@pytest.mark.parametrize("point", ["before_promote", "before_fork"])
def test_gen_06_a_hook_that_hangs_refuses_by_its_name_and_the_worker_serves_on(agent, point):
    worker = agent.spawn(boot(agent), 0)
    run(
        agent,
        "extra['undone'] = []; refork.before_promote(lambda: lambda: extra['undone'].append(1));"
        f"exec('def stuck():\\n import time\\n time.sleep(60)', globals()); refork.{point}(stuck)",
    )
    agent.ask_promote(worker, 1, timeout=500)
    worker.expect("promoting")
    refused = worker.expect("refused", timeout=5)
    assert refused["reason"] == "timeout"
    assert refused["detail"] == f"the {point} hook stuck did not end within the 0.5 s of the promotion"
    assert ask(agent, "work") == "ok"
    assert worker.board()["state"] == "accepting"
    assert run(agent, "import signal; result = [extra['undone'], signal.getsignal(signal.SIGALRM)]") == [
        [1],
        0,
    ]


def test_gen_06_a_worker_that_cannot_be_switched_on_again_leaves(agent):
    agent.timeouts["spawn"] = 500
    worker = agent.spawn(boot(agent), 0)
    run(
        agent,
        "import time; refork.before_promote(lambda: lambda: time.sleep(60)); refork.before_promote(lambda: 1 / 0)",
    )
    agent.ask_promote(worker, 1)
    worker.expect("promoting")
    warning = worker.expect("warning", timeout=5)
    assert warning["code"] == "hook-failed"
    assert "(undo)" in warning["message"] and "did not end within 0.5 s" in warning["message"]
    worker.expect("leaving")
    assert worker.exit_code() == 1


def test_gen_06_harmless_descriptors_do_not_refuse(agent):
    worker = agent.spawn(boot(agent), 0)
    path = str(agent.out) + ".log"
    run(
        agent,
        f"import socket; extra['a'] = open({path!r}, 'a'); extra['r'] = open({path!r});"
        "extra['u'] = socket.socket(type=socket.SOCK_DGRAM); extra['n'] = open('/dev/null', 'r+')",
    )
    agent.promote(worker, 1)


def test_gen_06_too_slow_to_get_quiet(agent):
    worker = agent.spawn(boot(agent), 0)
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"sleep 0.6\n")
        eventually(lambda: worker.board()["busy"] == 1)
        agent.ask_promote(worker, 1, timeout=200)
        assert json.loads(s.makefile().readline()) == "ok"
    worker.expect("promoting")
    assert worker.expect("refused")["reason"] == "timeout"
    assert ask(agent, "work") == "ok"


def test_gen_06_an_agent_that_has_given_up_is_not_answered(agent):
    worker = agent.spawn(boot(agent), 0)
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"sleep 0.4\n")
        eventually(lambda: worker.board()["busy"] == 1)
        agent.ask_promote(worker, 1)
        worker.send("resume", reason="no answer")
        assert json.loads(s.makefile().readline()) == "ok"
    for _ in range(3):
        assert ask(agent, "work") == "ok"
    assert worker.quiet()
    agent.promote(worker, 2)


def test_gen_08_a_resumed_worker_serves_on_and_can_be_promoted_again(agent):
    worker = agent.spawn(boot(agent), 0)
    spawn = agent.ask_promote(worker, 1)
    worker.expect("promoting")
    stillborn = agent.new_mold(worker, spawn)
    stillborn.kill()
    assert stillborn.exit_code() == -signal.SIGKILL
    worker.send("resume", reason="the mold was killed")
    assert ask(agent, "work") == "ok"
    agent.promote(worker, 2)
    worker.stop()


def test_gen_08_resumed_and_asked_again_in_one_breath(agent):
    worker = agent.spawn(boot(agent), 0)
    spawn = agent.ask_promote(worker, 1)
    worker.expect("promoting")
    agent.new_mold(worker, spawn).kill()
    worker.kill(signal.SIGSTOP)  # so that it reads both at once
    worker.send("resume", reason="the mold was killed")
    agent.ask_promote(worker, 2)
    worker.kill(signal.SIGCONT)
    worker.expect("promoting")
    agent.new_mold(worker, f"t{agent.spawns}").kill()
    worker.send("resume", reason="the mold was killed")
    assert ask(agent, "work") == "ok"
    worker.stop()


# One pool per phase: "at once" the stop may come after the fork, and that mold must not knock at the next phase's door.
@pytest.mark.parametrize("phase", ["at once", "while busy", "after the fork"])
def test_gen_12_stop_wins_over_a_promotion_in_every_phase(agent, phase):
    worker = agent.spawn(boot(agent), 0)
    spawn = "x" + phase[0]
    if phase == "while busy":
        client = socket.create_connection(agent.address, timeout=10)
        client.sendall(b"sleep 0.3\n")
        eventually(lambda: worker.board()["busy"] == 1)
    worker.send("promote", generation=1, spawn=spawn, timeout=5000)
    if phase == "after the fork":
        worker.expect("promoting")
        agent.new_mold(worker, spawn).kill()
    worker.send("stop", grace=5000)
    if phase == "while busy":
        assert json.loads(client.makefile().readline()) == "ok"
        client.close()

    def last():
        message = worker.read(5)
        return message if message["type"] == "leaving" else None

    eventually(last)
    assert worker.exit_code() == 0


def test_gen_14_two_hundred_generations_leave_nothing_behind(agent):
    mold = boot(agent)
    first, figures = None, None
    for generation in range(1, 201):
        worker = agent.spawn(mold, 0)
        ask(agent, "churn")
        next_mold = agent.promote(worker, generation)
        worker.stop()
        mold.stop()
        mold = next_mold
        figures = (
            len(mold.descriptors()),
            len(os.listdir(f"/proc/{mold.pid}/task")),
            mold.received[-1]["memory"]["resident"],
        )
        if generation == 20:
            first = figures
    assert figures[:2] == first[:2]
    assert figures[2] <= first[2] * 1.05, (first, figures)
    assert mold.comm() == "rf mold g200"


def test_mem_01_the_molds_heap_is_out_of_the_collectors_sight(agent):
    worker = agent.spawn(boot(agent), 0)
    assert run(agent, "import gc; result = gc.get_freeze_count()") > 1000
    mold = agent.promote(worker, 1)
    worker.stop()
    agent.spawn(mold, 0)
    assert run(agent, "import gc; result = gc.get_freeze_count()") > 1000
