"""refork.run on one interpreter: boot, spawn, promotion, refusal, resume, leaving."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest
from fakeagent import FakeAgent, eventually

ECHO = str(Path(__file__).parent / "apps" / "echo.py")


@pytest.fixture
def agent():
    with FakeAgent() as agent:
        yield agent


def boot(agent, **options):
    return agent.boot(sys.executable, ECHO, **options)


def ask(agent, command):
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(command.encode() + b"\n")
        return json.loads(s.makefile().readline())


def test_fork_01_workers_are_children_of_the_agent_and_carry_their_names(agent):
    mold = boot(agent)
    assert mold.comm() == "refork mold g0"
    for slot in range(3):
        worker = agent.spawn(mold, slot)
        assert worker.parent() == os.getpid()
        assert os.getpgid(worker.pid) == worker.pid
        assert worker.comm() == f"refork w{slot} g0"
        assert worker.board()["state"] == "accepting"


def test_fork_02_the_application_is_loaded_once(agent):
    mold = boot(agent)
    agent.spawn(mold, 0)
    agent.spawn(mold, 1)
    seen = {}
    eventually(lambda: len(seen) == 2 or seen.setdefault((f := ask(agent, "facts"))["pid"], f) is None)
    assert {f["loads"] for f in seen.values()} == {1}


def test_gen_03_a_promoted_worker_becomes_the_origin_of_the_next_mold(agent):
    mold = boot(agent)
    worker = agent.spawn(mold, 0)
    for _ in range(5):
        ask(agent, "work")
    next_mold = agent.promote(worker, 1)
    assert next_mold.comm() == "refork mold g1"
    assert next_mold.parent() == os.getpid()
    assert worker.board()["state"] == "promoting"
    worker.stop()
    mold.stop()
    agent.spawn(next_mold, 0)
    facts = ask(agent, "facts")
    assert (facts["generation"], facts["warm"], facts["loads"]) == (1, 5, 1)
