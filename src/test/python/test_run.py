"""refork.run, driven by a fake agent: boot, spawn, promotion, refusal, resume, leaving."""

import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from fakeagent import FakeAgent, eventually, reap
from venvs import interpreter

ECHO = str(Path(__file__).parent / "apps" / "echo.py")


def boot(agent, **options):
    return agent.boot(sys.executable, ECHO, **options)


def ask(agent, command):
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(command.encode() + b"\n")
        return json.loads(s.makefile().readline())


def run(agent, code):
    """Run statements in the worker that serves; `result` is the answer."""
    return ask(agent, "exec " + code)


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_py_04_a_whole_life_on_each_interpreter(agent, version):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no CPython {version} on this machine")
    mold = agent.boot(str(python), "-W", "error::ResourceWarning", ECHO)
    worker = agent.spawn(mold, 0)
    assert ask(agent, "work") == "ok"
    # Refused, then resumed, then promoted: the same worker, serving in between.
    run(agent, "refork.not_fork_safe('busy')")
    agent.ask_promote(worker, 1)
    worker.expect("promoting")
    assert worker.expect("refused")["reason"] == "not-fork-safe"
    run(agent, "refork.not_fork_safe(None)")
    lost = agent.promote(worker, 2)
    lost.kill()
    lost.exit_code()
    worker.send("resume", reason="the mold died")
    assert ask(agent, "work") == "ok"
    next_mold = agent.promote(worker, 3)
    assert worker.stop()["served"] == 4
    assert mold.stop()["reason"] == "stopped"
    worker = agent.spawn(next_mold, 0)
    facts = ask(agent, "facts")
    assert (facts["generation"], facts["loads"], facts["warm"]) == (3, 1, 4)
    assert "Error" not in agent.log() and "Warning" not in agent.log(), agent.log()


def test_fork_01_workers_are_children_of_the_agent_and_carry_their_names(agent):
    mold = boot(agent)
    assert mold.comm() == "refork mold g0"
    for slot in range(3):
        worker = agent.spawn(mold, slot)
        assert worker.parent() == os.getpid()
        assert os.getpgid(worker.pid) == worker.pid
        assert worker.comm() == f"refork w{slot} g0"
        assert worker.board()["state"] == "accepting"
        assert worker.board()["generation"] == 0


def test_fork_01_a_newborn_is_known_by_its_spawn_id_and_runs_no_hook_before_its_welcome(agent):
    mold = boot(agent)
    worker = agent.order(mold, 4)
    assert worker.comm() == f"rf:{worker.spawn}"
    before = Path(agent.scoreboard).read_bytes()
    assert worker.quiet()
    worker.welcome(4, 0)
    worker.expect("ready")
    assert worker.comm() == "refork w4 g0"
    assert before[64:] == bytes(len(before) - 64)  # only the mold's row was written


def test_fork_01_the_full_title_where_setproctitle_is_installed(agent):
    pytest.importorskip("setproctitle")
    worker = agent.spawn(boot(agent), 1)
    title = Path(f"/proc/{worker.pid}/cmdline").read_text().rstrip("\0")
    assert title == "refork: worker 1, generation 0 [echo]"
    assert worker.comm() == "refork w1 g0"


def test_fork_02_the_application_is_loaded_once(agent):
    mold = boot(agent)
    agent.spawn(mold, 0)
    agent.spawn(mold, 1)
    seen = {}
    eventually(lambda: len(seen) == 2 or seen.setdefault((f := ask(agent, "facts"))["pid"], f) is None)
    assert {f["loads"] for f in seen.values()} == {1}


@pytest.mark.parametrize(
    ("how", "errno"), [("hang", 0), ("die", 0), ("hang again", None), ("refuse", 11), ("raise", 0)]
)
def test_fork_03_a_fork_that_goes_wrong_is_reported_and_the_mold_forks_on(agent, how, errno):
    agent.timeouts["spawn"] = 700
    mold = boot(agent, env={"ECHO_FORK": how})
    mold.send("spawn", spawn="bad", slot=0, generation=0)
    if errno is None:
        # The newborn hangs before its hello: the mold has done its part, the agent ends the newborn.
        pid = mold.expect("spawned")["pid"]
        assert Path(f"/proc/{pid}/comm").read_text() == "rf:bad\n"
        os.kill(pid, signal.SIGKILL)
        reap(pid)
    else:
        failed = mold.expect("spawn-failed")
        assert (failed["spawn"], failed["errno"]) == ("bad", errno), failed
    # The trouble is over after the first fork; the same mold goes on.
    agent.spawn(mold, 0)
    assert ask(agent, "work") == "ok"


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


def test_fork_08_siblings_draw_different_numbers(agent):
    mold = boot(agent)
    agent.spawn(mold, 0)
    agent.spawn(mold, 1)
    seen = {}
    eventually(lambda: len(seen) == 2 or seen.setdefault((f := ask(agent, "facts"))["pid"], f) is None)
    one, other = seen.values()
    for name in ("random", "uuid", "tls"):
        assert one[name] != other[name]


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
    assert "'new one'" in refused["detail"] and "usual" not in refused["detail"]
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


def test_fork_10_a_connection_opened_while_loading_is_named(agent):
    with socket.create_server(("127.0.0.1", 0)) as database:
        port = database.getsockname()[1]
        mold = boot(agent, env={"ECHO_DATABASE": str(port)})
        (warning,) = [m for m in mold.received if m["type"] == "warning"]
        assert warning["code"] == "shared-socket"
        assert f"127.0.0.1:{port}" in warning["message"]


def test_fork_11_the_client_sees_the_end_at_once_and_descriptors_stay_few(agent):
    mold = boot(agent)
    expected = {0, 1, 2, 3}
    for generation in range(1, 6):
        worker = agent.spawn(mold, 0)
        sibling = agent.spawn(mold, 1)
        for _ in range(40):
            with socket.create_connection(agent.address, timeout=5) as s:
                s.sendall(b"work\n")
                assert s.makefile().read() == '"ok"\n'  # up to end of file
        next_mold = agent.promote(worker, generation)
        for process in (next_mold, worker, sibling):
            found = process.descriptors()
            others = {number: what for number, what in found.items() if number not in expected}
            assert sorted(what.partition(":")[0].rpartition("/")[2] for what in others.values()) == [
                "scoreboard",
                "socket",
            ], found
        for process in (worker, sibling, mold):
            process.stop()
        mold = next_mold


def test_fork_14_urg_writes_a_traceback_and_the_worker_serves_on(agent):
    worker = agent.spawn(boot(agent), 0)
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"sleep 1\n")
        eventually(lambda: worker.board()["busy"] == 1)
        eventually(lambda: worker.kill(signal.SIGURG) or "in answer" in agent.log())
        assert "most recent call first" in agent.log()
        assert json.loads(s.makefile().readline()) == "ok"


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


def test_gen_12_stop_wins_over_a_promotion_in_every_phase(agent):
    mold = boot(agent)
    for phase in ("at once", "while busy", "after the fork"):
        worker = agent.spawn(mold, 0)
        spawn = "x" + phase[0]
        if phase == "while busy":
            client = socket.create_connection(agent.address, timeout=10)
            client.sendall(b"sleep 0.3\n")
            eventually(lambda worker=worker: worker.board()["busy"] == 1)
        worker.send("promote", generation=1, spawn=spawn, timeout=5000)
        if phase == "after the fork":
            worker.expect("promoting")
            agent.new_mold(worker, spawn).kill()
        worker.send("stop", grace=5000)
        if phase == "while busy":
            assert json.loads(client.makefile().readline()) == "ok"
            client.close()

        def last(worker=worker):
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


def test_pid_12_the_end_of_the_connection_ends_the_process(agent):
    mold = boot(agent)
    worker = agent.spawn(mold, 0)
    for process in (worker, mold):
        process.sock.shutdown(socket.SHUT_RDWR)
        assert process.exit_code() == 70


def test_pid_12_the_kernel_ends_a_busy_worker_with_its_agent():
    """The agent here is a process of its own, killed while worker and mold are in a busy loop or waiting."""
    with FakeAgent() as outer:  # only to reap what is left, and for the listener
        script = (
            f"import sys; sys.path[:0] = {sys.path[:2]!r}\n"
            "from fakeagent import FakeAgent\n"
            "import socket, time\n"
            "agent = FakeAgent()\n"
            f"mold = agent.boot({sys.executable!r}, {ECHO!r})\n"
            "worker = agent.spawn(mold, 0)\n"
            "s = socket.create_connection(agent.address); s.sendall(b'exec while True: pass\\n')\n"
            "while worker.board()['busy'] == 0: time.sleep(0.01)\n"
            "print(mold.pid, worker.pid, flush=True); time.sleep(60)\n"
        )
        reader, writer = os.pipe()
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", script],
            dict(os.environ),
            file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)],
        )
        os.close(writer)
        with os.fdopen(reader) as output:
            pids = [int(number) for number in output.readline().split()]
        assert len(pids) == 2
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for each in pids:  # orphans come to this process, a subreaper
            reap(each, timeout=2)
        assert outer.peers == []


def test_pid_13_what_the_application_sees(agent):
    mold = boot(agent)
    agent.spawn(mold, 0)
    seen = run(
        agent,
        "import signal, os;"
        "result = {'mask': sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),"
        "'odd': [int(s) for s in signal.valid_signals() if signal.getsignal(s) not in (signal.SIG_DFL, signal.SIG_IGN)],"
        "'inheritable': [n for n in range(3, 50) if os.path.exists(f'/proc/self/fd/{n}') and os.get_inheritable(n)]}",
    )
    assert seen == {"mask": [], "odd": [signal.SIGTERM], "inheritable": []}


def test_fork_16_a_mold_behind_a_script_that_stays(agent):
    agent.start("sh", "-c", f"{sys.executable} {ECHO}; exit 9")
    mold = agent.accept()
    assert mold.pid != agent.command_pid
    mold.welcome(-1, 0)
    mold.expect("ready")
    worker = agent.spawn(mold, 0)
    assert worker.parent() == os.getpid()
    worker.stop()
    mold.send("stop", grace=0)
    mold.expect("leaving")
    agent.reaped.add(mold.pid)
    assert agent.wait_command() == 9


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
