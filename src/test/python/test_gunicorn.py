"""gunicorn's gthread and sync workers, driven by a fake agent."""

import json
import signal
import socket
import struct
import subprocess
import time

import pytest
import venvs
from fakeagent import eventually
from servers import (
    EACH_CLASS,
    EACH_GUNICORN,
    NEWEST,
    Background,
    Gunicorn,
    Load,
    connect,
    evaluate,
    get,
    python,
)


@pytest.fixture(params=EACH_CLASS, ids=lambda p: f"{p[0]}-{p[1]}")
def served(request, agent):
    """A pool with one worker, for each gunicorn and worker class."""
    pair, kind = request.param
    gunicorn = Gunicorn(agent, pair, "-k", kind, *(["--threads", "4"] if kind == "gthread" else []))
    gunicorn.kind, gunicorn.pair = kind, pair
    gunicorn.mold = gunicorn.boot()
    gunicorn.worker = agent.spawn(gunicorn.mold, 0)
    return gunicorn


def kept_alive(agent):
    """A connection that has had one reply and stays open."""
    connection = connect(agent)
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    return connection, response


@pytest.mark.parametrize("pair", [p for p in venvs.PAIRS if p not in EACH_GUNICORN], ids=str)
def test_py_04_a_whole_life_on_each_interpreter(agent, pair):
    mold = Gunicorn(agent, pair).boot()
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
    assert sorted(len(w.descriptors()) for w in workers)[-1] <= 16
    assert "Traceback" not in agent.log(), agent.log()


def test_gen_03_what_is_in_flight_finishes_and_nothing_new_begins(agent, served):
    slow = Background(get, agent, "/slow?s=0.8")
    if served.kind == "gthread":
        upload = socket.create_connection(agent.address, timeout=15)
        upload.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
    eventually(lambda: served.worker.board()["busy"] == (2 if served.kind == "gthread" else 1))
    spawn = agent.ask_promote(served.worker, 1)
    time.sleep(0.1)
    late = Background(get, agent)  # waits in the queue
    if served.kind == "gthread":
        upload.sendall(b"67890")
        assert b'{"read": 10}' in upload.makefile("rb").read()
        upload.close()
    assert slow.result()[0] == 200
    served.worker.expect("promoting")
    served_then = served.worker.board()["served"]
    mold = agent.new_mold(served.worker, spawn)
    mold.welcome(-1, 1)
    mold.expect("ready")
    assert served.worker.board()["served"] == served_then
    sibling = agent.spawn(mold, 1)
    assert late.result()[1]["pid"] == sibling.pid
    served.worker.stop()


def test_gen_06_too_slow_to_get_quiet_and_serving_on(agent, served):
    slow = Background(get, agent, "/slow?s=1.5")
    eventually(lambda: served.worker.board()["busy"] == 1)
    agent.ask_promote(served.worker, 1, timeout=400)
    late = Background(get, agent)
    if served.kind == "gthread":  # has a thread to answer with while the other one works
        assert served.worker.expect("refused", timeout=2)["reason"] == "timeout"
        assert late.result()[0] == 200
        assert served.worker.board()["busy"] == 1
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


def test_gen_06_refused_for_a_thread_and_serving_on(agent, served):
    evaluate(
        agent, "import threading, time; threading.Thread(target=time.sleep, args=(9,), name='odd').start()"
    )
    agent.ask_promote(served.worker, 1)
    served.worker.expect("promoting")
    assert "'odd'" in served.worker.expect("refused")["detail"]
    for _ in range(3):
        assert get(agent)[1]["pid"] == served.worker.pid
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
    assert len(served.worker.descriptors()) <= 16
    assert "Traceback" not in agent.log()


def test_gen_12_stop_while_draining_for_a_promotion(agent, served):
    slow = Background(get, agent, "/slow?s=0.5")
    eventually(lambda: served.worker.board()["busy"] == 1)
    agent.ask_promote(served.worker, 1)
    served.worker.send("stop", grace=5000)
    assert slow.result()[0] == 200
    served.worker.expect("leaving")
    assert served.worker.exit_code() == 0


def test_gen_12_the_agent_takes_a_promotion_back_while_it_drains(agent, served):
    slow = Background(get, agent, "/slow?s=0.6")
    eventually(lambda: served.worker.board()["busy"] == 1)
    agent.ask_promote(served.worker, 1)
    time.sleep(0.1)
    served.worker.send("resume", reason="changed its mind")
    assert slow.result()[0] == 200
    assert get(agent)[1]["pid"] == served.worker.pid
    assert served.worker.quiet()


@pytest.mark.parametrize("pair", EACH_GUNICORN, ids=str)
def test_py_03_a_kept_alive_connection_gets_one_more_answer_while_the_worker_drains(agent, pair):
    worker = agent.spawn(Gunicorn(agent, pair, "--threads", "2").boot(), 0)
    connection, first = kept_alive(agent)
    assert first.getheader("Connection") == "keep-alive"
    worker.send("stop", grace=5000)
    time.sleep(0.3)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("Connection") == "close"
    worker.expect("leaving")
    assert worker.exit_code() == 0


def test_py_03_silent_clients_do_not_hold_a_worker(agent, served):
    silent = [socket.create_connection(agent.address)]
    if served.kind == "gthread":
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


def test_py_03_clients_that_reset_do_no_harm(agent, served):
    for data in (b"", b"GET /slow?s=0.1 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HT"):
        for _ in range(3):
            client = socket.create_connection(agent.address)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(data)
            client.close()
    assert get(agent)[1]["pid"] == served.worker.pid
    agent.promote(served.worker, 1)
    served.worker.stop()


def test_py_03_a_download_in_progress_is_finished_before_the_worker_leaves(agent, served):
    stream = Background(get, agent, "/stream?n=5&s=0.15")
    eventually(lambda: served.worker.board()["busy"] == 1)
    served.worker.send("stop", grace=5000)
    assert stream.result() == (200, b"0\n1\n2\n3\n4\n")
    assert served.worker.expect("leaving")["served"] == 1


def test_fork_14_a_terminated_worker_leaves_in_the_middle_of_a_request(agent, served):
    Background(get, agent, "/slow?s=30")
    eventually(lambda: served.worker.board()["busy"] == 1)
    eventually(lambda: served.worker.kill(signal.SIGURG) or "in application" in agent.log())
    begun = time.monotonic()
    served.worker.kill(signal.SIGTERM)
    assert served.worker.expect("leaving")["reason"] == "terminated"
    assert served.worker.exit_code() == 0
    assert time.monotonic() - begun < 2


def test_py_08_floods_of_chld_and_winch_lose_no_request(agent, served):
    with Load(agent, clients=2) as load:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            served.worker.kill(signal.SIGCHLD)
            served.worker.kill(signal.SIGWINCH)
    assert load.failures == []
    assert load.done > 20


def test_requests_and_errors_are_counted(agent, served):
    for path in ("/", "/", "/fail", "/500", "/stream?n=1&s=0"):
        get(agent, path)
    eventually(lambda: served.worker.board()["served"] == 5)
    board = served.worker.board()
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
    assert len(mold.descriptors()) == before[0] == 6
    eventually(lambda: len(worker.descriptors()) <= before[1])


HOOKS = """
import sys
def say(what):
    print("HOOK", what, flush=True)
def on_starting(server): say("on_starting")
def when_ready(server): say("when_ready " + str(server.cfg.workers))
def pre_fork(server, worker):
    worker.number = 40 + worker.age
    say("pre_fork " + str(worker.pid))
def post_fork(server, worker): say("post_fork %d %d" % (worker.number, worker.pid))
def post_worker_init(worker): say("post_worker_init")
def pre_request(worker, req): say("pre_request " + req.path)
def post_request(worker, req, environ, resp): say("post_request " + resp.status)
def worker_exit(server, worker): say("worker_exit %d" % worker.pid)
def child_exit(server, worker): say("child_exit")
def on_exit(server): say("on_exit")
"""


@pytest.mark.parametrize("pair", EACH_GUNICORN, ids=str)
def test_py_06_server_hooks(agent, pair):
    mold = Gunicorn(agent, pair, config=HOOKS).boot()
    worker = agent.spawn(mold, 0)
    get(agent)
    agent.ask_promote(worker, 1)
    worker.expect("promoting")
    # The mold dies; the worker serves on, and is not initialised again.
    worker.expect("spawned")
    agent.accept().kill()
    worker.send("resume", reason="test")
    get(agent)
    worker.stop()
    said = [line[5:] for line in agent.log().splitlines() if line.startswith("HOOK ")]
    assert said == [
        "on_starting",
        "when_ready 2",
        "pre_fork [booting]",
        f"post_fork 41 {worker.pid}",
        "post_worker_init",
        "pre_request /",
        "post_request 200 OK",
        "pre_request /",
        "post_request 200 OK",
        f"worker_exit {worker.pid}",
    ]
    warned = [m["message"] for m in mold.received if m["type"] == "warning"]
    assert [w.split(" ")[1] for w in warned] == ["child_exit", "on_exit"]


def test_py_06_logs_and_forwarded_headers(agent):
    config = """
accesslog = "-"
access_log_format = "ACCESS %(m)s %(U)s %(s)s %({x-tag}i)s"
forwarded_allow_ips = "*"
raw_env = ["SHOP=blue"]
logger_class = "gunicorn.glogging.Logger"
"""
    mold = Gunicorn(agent, NEWEST, config=config).boot()
    agent.spawn(mold, 0)
    status, environ = get(agent, "/environ", **{"X-Forwarded-Proto": "https", "X-Tag": "t"})
    assert (status, environ["wsgi.url_scheme"], environ["wsgi.multiprocess"]) == (200, "https", "True")
    assert evaluate(agent, "import os; result = os.environ['SHOP']") == "blue"
    assert environ["wsgi.multithread"] == "True"
    eventually(lambda: "ACCESS GET /environ 200 t" in agent.log())


@pytest.mark.parametrize("kind", ["gthread", "sync"])
def test_py_06_tls(agent, kind, tmp_path):
    key, cert = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-days",
        "2",
    ]
    subprocess.run([*made, "-keyout", key, "-out", cert], check=True, capture_output=True)
    mold = Gunicorn(agent, NEWEST, "-k", kind, "--certfile", cert, "--keyfile", key).boot()
    worker = agent.spawn(mold, 0)
    import http.client
    import ssl

    context = ssl._create_unverified_context()
    for generation in (1, 2):
        connection = http.client.HTTPSConnection(*agent.address, context=context, timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        next_mold = agent.promote(worker, generation)  # with the connection still open
        worker.stop()
        worker = agent.spawn(next_mold, 0)
        connection.close()


@pytest.mark.parametrize(
    ("arguments", "config", "word"),
    [
        (["--reload"], "", "--reload"),
        (["--daemon"], "", "--daemon"),
        (["--reuse-port"], "", "--reuse-port"),
        ([], "preload_app = False", "preload_app"),
        (["-k", "gevent"], "", "gevent"),
        (["-k", "eventlet"], "", "eventlet"),
        (["-k", "tornado"], "", "tornado"),
        (["-k", "uvicorn.workers.UvicornWorker"], "", "uvicorn.workers.UvicornWorker"),
        (["-k", "gunicorn.workers.base.Worker"], "", "gunicorn.workers.base.Worker"),
        (["--user", "nobody"], "", "user"),
    ],
)
def test_py_06_refused_by_name_in_one_sentence(agent, arguments, config, word):
    said = Gunicorn(agent, NEWEST, *arguments, config=config).refused()
    assert said.startswith("refork: ") and said.count("\n") == 1
    assert word in said


def test_py_06_what_the_agent_owns(agent):
    agent.pool.update(workers=3, backlog=512, maxRequests=100)
    host, port = agent.address
    arguments = ["-b", "127.0.0.1:1", "-w", "5", "--timeout", "7", "--backlog", "9", "--max-requests", "8"]
    mold = Gunicorn(agent, NEWEST, *arguments).boot()
    warned = [m["message"] for m in mold.received if m["type"] == "warning"]
    assert warned == [
        f"gunicorn's bind is 127.0.0.1:1, the agent's --listen is {host}:{port}: the agent's counts",
        "gunicorn's workers is 5, the agent's --workers is 3: the agent's counts",
        "gunicorn's backlog is 9, the agent's --backlog is 512: the agent's counts",
        "gunicorn's timeout is 7, the agent's --request-timeout is 60 s: the agent's counts",
        "gunicorn's max_requests is 8, the agent's --max-requests is 100: the agent's counts",
    ]
    agent.spawn(mold, 0)
    pids = {get(agent)[1]["pid"] for _ in range(12)}
    assert len(pids) == 1  # eight requests did not end it


def test_py_06_what_is_equal_or_absent_is_accepted_without_a_word(agent):
    agent.pool.update(workers=3, backlog=512)
    host, port = agent.address
    same = ["-b", f"{host}:{port}", "-w", "3", "--timeout", "60", "--backlog", "512", "--max-requests", "0"]
    mold = Gunicorn(agent, NEWEST, *same).boot()
    assert [m for m in mold.received if m["type"] == "warning"] == []


def test_py_06_a_default_of_gunicorn_that_the_user_typed_is_a_wish_too(agent):
    mold = Gunicorn(agent, NEWEST, config="timeout = 30\npidfile = 'x.pid'\n").boot()
    warned = [m["message"] for m in mold.received if m["type"] == "warning"]
    assert len(warned) == 2
    assert "pidfile" in warned[0] and "timeout is 30" in warned[1]


def test_py_06_gthread_is_the_default_and_sync_with_threads_is_gthread(agent):
    for arguments, kind in (
        ([], "gthread"),
        (["-k", "sync"], "sync"),
        (["-k", "sync", "--threads", "2"], "gthread"),
    ):
        agent.out.unlink(missing_ok=True)
        mold = Gunicorn(agent, NEWEST, *arguments).boot()
        assert f"worker class {kind}\n" in agent.log()
        mold.stop()


def test_py_06_a_worker_class_of_ones_own_that_is_derived_from_gthread(agent):
    mold = Gunicorn(agent, NEWEST, "-k", "own_worker.Own").boot()
    agent.spawn(mold, 0)
    assert get(agent, "/environ")[1]["own.worker"] == "yes"


def test_py_06_check_config_and_print_config_need_no_agent(agent):
    for option in ("--check-config", "--print-config"):
        agent.start(*Gunicorn(agent, NEWEST, option).argv, env={"REFORK_SOCKET": ""})
        assert agent.wait_command() == 0
    assert "worker_connections" in agent.log()


def test_py_05_an_application_that_raises_while_loading(agent):
    argv = Gunicorn(agent, NEWEST).argv
    agent.start(*argv[:-1], "broken")
    agent.accept().welcome(-1, 0)
    assert agent.wait_command() == 1
    assert agent.log().count("Traceback") == 1
    assert "RuntimeError: cannot be loaded" in agent.log()


def test_without_an_agent_or_a_known_server_one_sentence_and_exit_code_2(agent):
    argv = Gunicorn(agent, NEWEST).argv
    agent.start(*argv, env={"REFORK_SOCKET": ""})
    assert agent.wait_command() == 2
    assert "`refork run -- python -m refork gunicorn ...`" in agent.log() and agent.log().count("\n") == 1
    agent.out.unlink()
    agent.start(python(NEWEST), "-m", "refork", "hypercorn")
    assert agent.wait_command() == 2
    assert "'hypercorn'" in agent.log()


def test_py_06_two_listeners(served):
    """Only that boot and serve work with more than one is specific to each class."""
    from fakeagent import FakeAgent

    with FakeAgent(listeners=2) as agent:
        worker = agent.spawn(Gunicorn(agent, served.pair, "-k", served.kind).boot(), 0)
        for listener in agent.listeners:
            with socket.create_connection(listener.getsockname(), timeout=10) as s:
                s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                reply = s.makefile("rb").read()
                assert json.loads(reply.rpartition(b"\r\n")[2])["pid"] == worker.pid
        agent.promote(worker, 1)
        worker.stop()
