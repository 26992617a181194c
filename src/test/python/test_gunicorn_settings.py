"""gunicorn's own command line, configuration file, hooks and features; what is refused and what the agent decides."""

import json
import socket
import subprocess

import pytest
from fakeagent import FakeAgent
from peer import eventually
from servers import (
    COVER_GUNICORN,
    EACH_GUNICORN,
    NEWEST,
    Gunicorn,
    evaluate,
    get,
    python,
)

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
        (["-k", "gevent_pywsgi"], "", "gevent"),
        ([], "worker_class = 'gevent'", "gevent"),
        ([], "reload = True", "--reload"),
        (["-k", "tornado"], "", "tornado"),
        (["-k", "uvicorn.workers.UvicornWorker"], "", "python -m refork uvicorn MODULE:APP"),
        (["-k", "uvicorn_worker.UvicornWorker"], "", "uvicorn_worker.UvicornWorker cannot work here"),
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


@pytest.mark.parametrize(("pair", "kind"), COVER_GUNICORN)
def test_py_06_two_listeners(pair, kind):
    with FakeAgent(listeners=2) as agent:
        worker = agent.spawn(Gunicorn(agent, pair, "-k", kind).boot(), 0)
        for listener in agent.listeners:
            with socket.create_connection(listener.getsockname(), timeout=10) as s:
                s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                reply = s.makefile("rb").read()
                assert json.loads(reply.rpartition(b"\r\n")[2])["pid"] == worker.pid
        agent.promote(worker, 1)
        worker.stop()
