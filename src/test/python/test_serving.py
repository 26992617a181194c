"""gunicorn's gthread and sync workers and uvicorn, driven by a fake agent: promotion, draining, signals, counting."""

import signal
import socket
import struct
import time

import pytest
import venvs
from peer import eventually
from servers import (
    COVER,
    EACH_GUNICORN,
    EACH_KIND,
    EACH_UVICORN,
    Background,
    Gunicorn,
    Load,
    Uvicorn,
    connect,
    evaluate,
    get,
    of_kind,
)


def named(param):
    return f"{param[0]}-{param[1]}"


def pool_of_one(agent, pair, kind):
    """A pool with one worker."""
    server = of_kind(agent, pair, kind)
    server.one_at_a_time = kind == "sync"
    server.where = "in run" if "-" in kind else "in application"  # a coroutine that waits is on no stack
    server.most_descriptors = 20 if "uvloop" in kind else 16  # libuv has a few of its own
    server.mold = server.boot()
    server.worker = agent.spawn(server.mold, 0)
    return server


@pytest.fixture(params=EACH_KIND, ids=named)
def served(request, agent):
    """For each server and kind of worker: what depends on the insides of its loop."""
    return pool_of_one(agent, *request.param)


@pytest.fixture(params=COVER, ids=named)
def covered(request, agent):
    """For each gunicorn once, the newest servers with each kind: what mostly depends on us."""
    return pool_of_one(agent, *request.param)


def kept_alive(agent):
    """A connection that has had one reply and stays open."""
    connection = connect(agent)
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    return connection, response


@pytest.mark.parametrize(
    "pair", [p for p in venvs.PAIRS if p not in {pair for pair, _ in EACH_KIND}], ids=str
)
def test_py_04_a_whole_life_on_each_interpreter(agent, pair):
    server = Uvicorn if pair.packages.startswith("uvicorn") else Gunicorn
    mold = server(agent, pair).boot()
    worker = agent.spawn(mold, 0)
    assert get(agent)[0] == 200
    next_mold = agent.promote(worker, 1)
    worker.stop()
    mold.stop()
    worker = agent.spawn(next_mold, 0)
    assert get(agent)[1] == {"pid": worker.pid, "count": 1, "warm": 2}
    assert "Traceback" not in agent.log()


def test_gen_02_reforks_under_load_fail_no_request(agent, served):
    mold, workers = served.mold, [served.worker, agent.spawn(served.mold, 1)]
    with Load(agent) as load:
        for generation in range(1, 4):
            done = load.done
            eventually(lambda done=done: load.done > done + 50)
            next_mold = agent.promote(workers[0], generation)
            for slot, worker in enumerate(workers):
                worker.stop()
                workers[slot] = agent.spawn(next_mold, slot)
            mold.stop()
            mold = next_mold
    assert load.failures == []
    assert load.done > 150
    assert get(agent)[1]["count"] == 1
    # A worker may just be closing what the load's clients have left.
    eventually(lambda: all(len(w.descriptors()) <= served.most_descriptors for w in workers))
    assert "Traceback" not in agent.log(), agent.log()


def test_gen_03_what_is_in_flight_finishes_and_nothing_new_begins(agent, served):
    slow = Background(get, agent, "/slow?s=0.8" if served.one_at_a_time else "/slow?s=2")
    if not served.one_at_a_time:
        upload = socket.create_connection(agent.address, timeout=15)
        upload.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
    begun = 1 if served.one_at_a_time else 2
    eventually(lambda: served.worker.board()["busy"] == begun)
    spawn = agent.ask_promote(served.worker, 1)
    if not served.one_at_a_time:  # one that is busy with its only request takes no other
        eventually(lambda: served.worker.board()["state"] == "promoting")
    late = Background(get, agent)  # waits in the queue
    if not served.one_at_a_time:
        upload.sendall(b"67890")
        assert b'{"read": 10}' in upload.makefile("rb").read()
        upload.close()
    assert slow.result()[0] == 200
    served.worker.expect("promoting")
    mold = agent.new_mold(served.worker, spawn)
    mold.welcome(-1, 1)
    mold.expect("ready")
    assert served.worker.board()["served"] == begun
    sibling = agent.spawn(mold, 1)
    assert late.result()[1]["pid"] == sibling.pid
    served.worker.stop()


def test_gen_06_too_slow_to_get_quiet_and_serving_on(agent, served):
    slow = Background(get, agent, "/slow?s=1.5")
    eventually(lambda: served.worker.board()["busy"] == 1)
    agent.ask_promote(served.worker, 1, timeout=400)
    late = Background(get, agent)
    if not served.one_at_a_time:  # has a thread to answer with while the other one works
        assert served.worker.expect("refused", timeout=2)["reason"] == "timeout"
        assert late.result()[0] == 200
        eventually(lambda: served.worker.board()["busy"] == 1)
        assert slow.result()[0] == 200
    else:
        assert slow.result()[0] == 200
        served.worker.expect("promoting")
        assert served.worker.expect("refused")["reason"] == "timeout"
        assert late.result()[0] == 200
    assert served.worker.board()["state"] == "accepting"
    next_mold = agent.promote(served.worker, 2)
    served.worker.stop()
    agent.spawn(next_mold, 0)
    assert get(agent)[0] == 200


def test_gen_06_refused_for_a_thread_and_serving_on(agent, covered):
    evaluate(
        agent, "import threading, time; threading.Thread(target=time.sleep, args=(9,), name='odd').start()"
    )
    agent.ask_promote(covered.worker, 1)
    covered.worker.expect("promoting")
    assert "'odd'" in covered.worker.expect("refused")["detail"]
    for _ in range(3):
        assert get(agent)[1]["pid"] == covered.worker.pid
    assert agent.log().count("worker initialised") <= 1


def test_gen_08_resumed_after_the_mold_died(agent, served):
    for generation in (1, 2):
        spawn = agent.ask_promote(served.worker, generation)
        served.worker.expect("promoting")
        stillborn = agent.new_mold(served.worker, spawn)
        stillborn.kill()
        stillborn.exit_code()
        served.worker.send("resume", reason="the mold died")
        assert get(agent)[1]["pid"] == served.worker.pid
    eventually(lambda: len(served.worker.descriptors()) <= served.most_descriptors)
    assert "Traceback" not in agent.log()


def test_gen_12_stop_while_draining_for_a_promotion(agent, covered):
    slow = Background(get, agent, "/slow?s=0.5")
    eventually(lambda: covered.worker.board()["busy"] == 1)
    agent.ask_promote(covered.worker, 1)
    covered.worker.send("stop", grace=5000)
    assert slow.result()[0] == 200
    covered.worker.expect("leaving")
    assert covered.worker.exit_code() == 0


def test_gen_12_the_agent_takes_a_promotion_back_while_it_drains(agent, covered):
    slow = Background(get, agent, "/slow?s=0.6")
    eventually(lambda: covered.worker.board()["busy"] == 1)
    agent.ask_promote(covered.worker, 1)
    time.sleep(0.1)
    covered.worker.send("resume", reason="changed its mind")
    assert slow.result()[0] == 200
    assert get(agent)[1]["pid"] == covered.worker.pid
    assert covered.worker.quiet()


@pytest.mark.parametrize("pair", EACH_GUNICORN, ids=str)
def test_py_03_a_kept_alive_connection_gets_one_more_answer_while_the_worker_drains(agent, pair):
    worker = agent.spawn(Gunicorn(agent, pair, "--threads", "2").boot(), 0)
    connection, first = kept_alive(agent)
    assert first.getheader("Connection") == "keep-alive"
    worker.send("stop", grace=5000)

    def closing():  # once the worker has taken notice
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.read()
        assert response.status == 200
        return response.getheader("Connection") == "close"

    eventually(closing)
    worker.expect("leaving")
    assert worker.exit_code() == 0


@pytest.mark.parametrize("param", [(p, "gthread") for p in EACH_GUNICORN] + EACH_UVICORN, ids=named)
def test_py_03_a_reply_that_promised_keep_alive_and_ends_late_is_followed_by_one_more_answer(agent, param):
    worker = pool_of_one(agent, *param).worker
    connection = connect(agent)
    connection.request("GET", "/stream?n=8&s=0.25")
    late = connection.getresponse()
    assert late.getheader("Connection") != "close"
    worker.send("stop", grace=8000)
    late.read()
    time.sleep(0.4)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("Connection", "").lower() == "close"
    worker.expect("leaving")
    assert worker.exit_code() == 0


@pytest.mark.parametrize("pair", EACH_GUNICORN, ids=str)
def test_py_03_a_request_that_comes_in_two_parts_while_the_worker_drains_is_answered(agent, pair):
    worker = pool_of_one(agent, pair, "gthread").worker
    connection = connect(agent)
    connection.request("GET", "/stream?n=7&s=0.2")
    late = connection.getresponse()
    assert late.getheader("Connection") != "close"
    sock = connection.sock
    worker.send("stop", grace=8000)
    late.read()  # ends when silent connections are closed already
    sock.sendall(b"POST /upload HTTP/1.1\r\nHo")
    time.sleep(0.3)  # several turns of the loop
    sock.sendall(b"st: x\r\nContent-Length: 3\r\n\r\nabc")
    assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
    worker.expect("leaving")
    assert worker.exit_code() == 0


@pytest.mark.parametrize("pair", EACH_GUNICORN, ids=str)
def test_py_03_a_worker_with_all_its_connections_taken_hears_the_agent(agent, pair):
    worker = agent.spawn(Gunicorn(agent, pair, "--threads", "2", "--worker-connections", "2").boot(), 0)
    taken = [socket.create_connection(agent.address) for _ in range(2)]
    for connection in taken:  # their heads never end
        connection.sendall(b"GET / HT")
    time.sleep(0.3)
    spawn = agent.ask_promote(worker, 1)
    worker.expect("promoting", timeout=5)
    mold = agent.new_mold(worker, spawn)
    mold.kill()
    mold.exit_code()
    for connection in taken:
        connection.close()
    worker.send("resume", reason="test")
    assert get(agent)[1]["pid"] == worker.pid
    worker.stop()


def test_py_03_silent_clients_do_not_hold_a_worker(agent, served):
    silent = [socket.create_connection(agent.address)]
    if not served.one_at_a_time:
        silent.append(socket.create_connection(agent.address))
        silent[1].sendall(b"GET / HT")
    time.sleep(0.2)
    begun = time.monotonic()
    next_mold = agent.promote(served.worker, 1)
    assert time.monotonic() - begun < 4
    served.worker.stop()
    agent.spawn(next_mold, 0)
    for client in silent:
        client.settimeout(5)
        assert not client.recv(1000) or client is silent[1]  # half a request may be answered by 400
        client.close()
    assert get(agent)[0] == 200


def test_py_03_clients_that_reset_do_no_harm(agent, covered):
    for data in (b"", b"GET /slow?s=0.1 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HT"):
        for _ in range(3):
            client = socket.create_connection(agent.address)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(data)
            client.close()
    assert get(agent)[1]["pid"] == covered.worker.pid
    agent.promote(covered.worker, 1)
    covered.worker.stop()


def test_py_03_a_download_in_progress_is_finished_before_the_worker_leaves(agent, covered):
    stream = Background(get, agent, "/stream?n=5&s=0.15")
    eventually(lambda: covered.worker.board()["busy"] == 1)
    covered.worker.send("stop", grace=5000)
    assert stream.result() == (200, b"0\n1\n2\n3\n4\n")
    assert covered.worker.expect("leaving")["served"] == 1


def test_fork_14_a_terminated_worker_leaves_in_the_middle_of_a_request(agent, covered):
    Background(get, agent, "/slow?s=30")
    eventually(lambda: covered.worker.board()["busy"] == 1)
    eventually(lambda: covered.worker.kill(signal.SIGURG) or covered.where in agent.log())
    begun = time.monotonic()
    covered.worker.kill(signal.SIGTERM)
    assert covered.worker.expect("leaving")["reason"] == "terminated"
    assert covered.worker.exit_code() == 0
    assert time.monotonic() - begun < 2


def test_py_08_floods_of_chld_and_winch_lose_no_request(agent, covered):
    with Load(agent, clients=2) as load:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            covered.worker.kill(signal.SIGCHLD)
            covered.worker.kill(signal.SIGWINCH)
    assert load.failures == []
    assert load.done > 20


def test_requests_and_errors_are_counted(agent, covered):
    for path in ("/", "/", "/fail", "/500", "/stream?n=1&s=0"):
        get(agent, path)
    eventually(lambda: covered.worker.board()["served"] == 5)
    board = covered.worker.board()
    assert (board["errors"], board["busy"], board["oldest"]) == (2, 0, 0)
    assert board["beat"] > 0


def test_fork_11_no_descriptor_is_lost_over_generations(agent, served):
    mold, worker = served.mold, served.worker
    before = None
    for generation in range(1, 6):
        get(agent)
        next_mold = agent.promote(worker, generation)
        worker.stop()
        mold.stop()
        mold = next_mold
        worker = agent.spawn(mold, 0)
        get(agent)
        eventually(lambda worker=worker: worker.board()["busy"] == 0)
        if before is None:
            before = (len(mold.descriptors()), len(worker.descriptors()))
    assert before[0] == (8 if served.most_descriptors > 16 else 6)
    eventually(lambda: len(mold.descriptors()) == before[0])
    eventually(lambda: len(worker.descriptors()) <= before[1])
