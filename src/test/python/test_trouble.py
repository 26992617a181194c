"""Applications, agents and signals that give trouble."""

import json
import re
import signal
import socket
import sys

import pytest
from echoes import ECHO, boot
from peer import eventually


def test_fork_14_urg_writes_a_traceback_and_the_worker_serves_on(agent):
    worker = agent.spawn(boot(agent), 0)
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"sleep 1\n")
        eventually(lambda: worker.board()["busy"] == 1)
        eventually(lambda: worker.kill(signal.SIGURG) or "in answer" in agent.log())
        assert "most recent call first" in agent.log()
        assert json.loads(s.makefile().readline()) == "ok"


@pytest.mark.parametrize(("how", "code"), [("raise", 1), ("exit", 7)])
def test_py_05_an_application_that_raises_while_loading(agent, how, code):
    agent.start(sys.executable, ECHO, env={"ECHO_LOAD": how})
    agent.accept().welcome(-1, 0)
    assert agent.wait_command() == code
    assert agent.log().count("Traceback") == (1 if how == "raise" else 0)


def test_py_08_floods_of_chld_and_winch_lose_no_request(agent):
    worker = agent.spawn(boot(agent, env={"ECHO_HANDLERS": "1"}), 0)
    for number in range(60):
        with socket.create_connection(agent.address, timeout=10) as s:
            worker.kill(signal.SIGCHLD)
            s.sendall(b"wo")
            worker.kill(signal.SIGWINCH)
            if number % 10 == 0:
                eventually(lambda: worker.board()["busy"] == 1)
                for _ in range(20):
                    worker.kill(signal.SIGWINCH)
                    worker.kill(signal.SIGCHLD)
            s.sendall(b"rk\n")
            worker.kill(signal.SIGCHLD)
            assert json.loads(s.makefile().readline()) == "ok"


def test_without_an_agent_one_sentence_and_exit_code_2(agent):
    agent.start(sys.executable, ECHO, env={"REFORK_SOCKET": ""})
    assert agent.wait_command() == 2
    assert re.fullmatch(r"refork: there is no Refork agent .*`refork run -- .*`\n", agent.log())


def test_an_agent_of_another_protocol_version_one_sentence_and_exit_code_2(agent):
    agent.start(sys.executable, ECHO, protocol="2")
    assert agent.wait_command() == 2
    assert "the agent speaks protocol 2" in agent.log() and agent.log().count("\n") == 1


def test_an_agent_that_turns_the_process_away(agent):
    agent.start(sys.executable, ECHO)
    agent.accept().send("error", code="unknown-process", message="who are you?")
    assert agent.wait_command() == 2
    assert "who are you?" in agent.log() and agent.log().count("\n") == 1


def test_a_message_that_does_not_fit_is_answered(agent):
    mold = boot(agent)
    mold.send("resume", reason="?")
    assert mold.expect("error")["code"] == "unexpected"
    assert mold.exit_code() == 1


SLEEPER = "import threading, time; threading.Thread(target=time.sleep, args=(3600,), name={!r}, daemon=True).start()"
NATIVE = (
    "import _thread, os, time; from refork import kernel; start = lambda: (kernel.set_name('nat'), time.sleep(3600));"
    " _thread.start_new_thread(start, ());"
    " exec('while not any(n == \"nat\" for n in kernel.native_threads().values()): time.sleep(0.01)')"
)
LOOP = "import asyncio; extra['loop'] = asyncio.new_event_loop(); "
RUNNING = (
    LOOP + "import threading, time;"
    " threading.Thread(target=extra['loop'].run_forever, name='background', daemon=True).start();"
    " exec('while not extra[\"loop\"].is_running(): time.sleep(0.01)')"
)
PATCHED = "import sys, types; sys.modules[{!r}] = types.SimpleNamespace({}={{'socket': 1}})"
LEFT = [
    ("a thread", SLEEPER.format("flusher"), ["load-threads"], ["thread 'flusher'", "an after_fork hook"]),
    ("a native thread", NATIVE, ["load-threads"], ["native thread 'nat'", "an after_fork hook"]),
    (
        "a child",
        "import subprocess; extra['c'] = subprocess.Popen(['cat'], stdin=-1)",
        ["load-children"],
        ["process ", "(cat)", "beside the pool"],
    ),
    ("an open event loop", LOOP, ["load-loop"], ["an event loop", "close it"]),
    (
        "a running event loop",
        RUNNING,
        ["load-loop", "load-threads"],
        ["an event loop in thread 'background'", "an after_fork hook"],
    ),
    ("gevent", PATCHED.format("gevent.monkey", "saved"), ["load-patched"], ["gevent", "with threads"]),
    (
        "eventlet",
        PATCHED.format("eventlet.patcher", "already_patched"),
        ["load-patched"],
        ["eventlet", "with threads"],
    ),
]


def warned(mold):
    return [m for m in mold.received if m["type"] == "warning"]


@pytest.mark.parametrize(("code", "codes", "words"), [row[1:] for row in LEFT], ids=[row[0] for row in LEFT])
def test_py_06_what_loading_leaves_running_is_warned_of_by_name(agent, code, codes, words):
    mold = boot(agent, env={"ECHO_LOADING": code})
    said = warned(mold)
    assert [m["code"] for m in said] == codes
    assert all(word in said[0]["message"] for word in words), said[0]["message"]
    assert all(len(m["message"]) <= 200 for m in said), "the agent's log keeps no more"
    worker = agent.spawn(mold, 0)
    next_mold = agent.promote(worker, 1)
    assert warned(next_mold) == [], "once, by the boot mold"


def test_py_06_what_loading_leaves_is_said_within_what_the_agents_log_keeps(agent):
    many = "; ".join(SLEEPER.format(f"background job {n}") for n in range(9))
    said = warned(boot(agent, env={"ECHO_LOADING": many}))
    assert len(said) == 1
    assert len(said[0]["message"]) <= 200
    assert re.search(r"'background job 2' and \d more; ", said[0]["message"])
    assert said[0]["message"].endswith("start them in an after_fork hook")


HARMLESS = [
    ("a loop that is closed", "import asyncio; asyncio.run(asyncio.sleep(0))"),
    ("Sentry's thread", SLEEPER.format("sentry-sdk.BackgroundWorker")),
    ("OpenTelemetry's thread", SLEEPER.format("OtelBatchSpanRecordProcessor")),
    ("multiprocessing's tracker", "from multiprocessing import resource_tracker as t; t.ensure_running()"),
    ("a thread that has ended", "import threading; t = threading.Thread(target=int); t.start(); t.join()"),
    ("libuv's threads", NATIVE.replace("'nat'", "'libuv-worker'").replace('"nat"', '"libuv-worker"')),
    (
        "a class that has no hash",
        "import asyncio; Meta = type('Meta', (type,), {'__eq__': lambda c, o: c is o});"
        " extra['odd'] = Meta('Odd', (), {})(); extra['odd'].field = []",
    ),
    ("the kernel's for io_uring", NATIVE.replace("'nat'", "'iou-sqp-7'").replace('"nat"', '"iou-sqp-7"')),
]


@pytest.mark.parametrize("code", [row[1] for row in HARMLESS], ids=[row[0] for row in HARMLESS])
def test_py_06_what_is_known_to_be_harmless_is_not_warned_of(agent, code):
    assert warned(boot(agent, env={"ECHO_LOADING": code})) == []


def test_py_06_an_application_whose_objects_cannot_be_looked_at_starts_all_the_same(agent):
    odd = "import sys, types; sys.modules['gevent.monkey'] = type('', (), {'__getattr__': lambda s, n: 1 / 0})()"
    mold = boot(agent, env={"ECHO_LOADING": odd + "; " + SLEEPER.format("flusher")})
    assert [m["code"] for m in warned(mold)] == ["load-threads"]
    assert "refork: could not look for load-patched: ZeroDivisionError" in agent.log()
    agent.spawn(mold, 0)


def test_py_06_a_thread_that_the_operator_allows_is_not_warned_of(agent):
    agent.pool["threads"] = ["nat"]
    assert warned(boot(agent, env={"ECHO_LOADING": NATIVE})) == []


def test_py_06_refork_run_within_a_running_event_loop_is_refused(agent):
    program = (
        "import asyncio, refork\n"
        "async def main():\n refork.run(lambda: 1, lambda a, s: None)\n"
        "asyncio.run(main())"
    )
    agent.start(sys.executable, "-c", program)
    assert agent.wait_command() == 2
    assert re.fullmatch(r"refork: refork\.run\(\) .* running event loop.* outside of the loop\n", agent.log())
