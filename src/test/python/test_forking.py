"""refork.run, driven by a fake agent: boot, spawn, what a newborn is and has."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from echoes import ECHO, ask, boot, run
from fakeagent import FakeAgent
from peer import eventually, reap
from venvs import interpreter


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


def test_fork_08_siblings_draw_different_numbers(agent):
    mold = boot(agent)
    agent.spawn(mold, 0)
    agent.spawn(mold, 1)
    seen = {}
    eventually(lambda: len(seen) == 2 or seen.setdefault((f := ask(agent, "facts"))["pid"], f) is None)
    one, other = seen.values()
    for name in ("random", "uuid", "tls"):
        assert one[name] != other[name]


def test_fork_10_a_connection_opened_while_loading_is_named(agent):
    with socket.create_server(("127.0.0.1", 0)) as database:
        port = database.getsockname()[1]
        mold = boot(agent, env={"ECHO_DATABASE": str(port)})
        (warning,) = [m for m in mold.received if m["type"] == "warning"]
        assert warning["code"] == "shared-socket"
        assert f"127.0.0.1:{port}" in warning["message"]


def besides(process, expected):
    """What kinds of descriptors a process has whose numbers were not expected."""
    others = (what for number, what in process.descriptors().items() if number not in expected)
    return sorted(what.partition(":")[0].rpartition("/")[2] for what in others)


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
            # A process may just be closing what it forked or answered with.
            eventually(lambda process=process: besides(process, expected) == ["scoreboard", "socket"])
        for process in (worker, sibling, mold):
            process.stop()
        mold = next_mold


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
