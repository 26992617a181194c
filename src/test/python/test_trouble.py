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
