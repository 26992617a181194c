"""What is uvicorn's alone: websockets, event streams, lifespan, event loops, its command line."""

import json
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest
from fakeagent import FakeAgent
from peer import eventually
from servers import EACH_UVICORN, UVICORN, Background, Uvicorn, evaluate, get, of_kind
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect as websocket


def named(param):
    return f"{param[0]}-{param[1]}"


@pytest.fixture(params=EACH_UVICORN, ids=named)
def served(request, agent):
    server = of_kind(agent, *request.param)
    server.mold = server.boot()
    server.worker = agent.spawn(server.mold, 0)
    return server


def open_websocket(agent):
    host, port = agent.address
    return websocket(f"ws://{host}:{port}/chat", open_timeout=10, close_timeout=5, ping_interval=None)


def ask(connection):
    connection.send("who")
    return json.loads(connection.recv(timeout=10))["pid"]


def test_py_03_a_websocket_goes_on_until_the_limit_of_the_drain_then_it_is_told_to_come_again(agent, served):
    with open_websocket(agent) as connection:
        assert ask(connection) == served.worker.pid
        assert served.worker.board()["busy"] == 0, "as long as it is open it is no request that hangs"
        served.worker.send("stop", grace=3000)
        time.sleep(0.5)
        assert ask(connection) == served.worker.pid
        with pytest.raises(ConnectionClosedError) as closed:
            connection.recv(timeout=5)
        assert closed.value.rcvd.code == 1012
    served.worker.expect("leaving")
    assert served.worker.exit_code() == 0


def test_py_03_a_promotion_sends_websockets_to_the_siblings(agent, served):
    with open_websocket(agent) as connection:
        assert ask(connection) == served.worker.pid
        spawn = agent.ask_promote(served.worker, 1, timeout=3000)
        with pytest.raises(ConnectionClosedError) as closed:
            connection.recv(timeout=5)
        assert closed.value.rcvd.code == 1012
    served.worker.expect("promoting")
    mold = agent.new_mold(served.worker, spawn)
    mold.welcome(-1, 1)
    mold.expect("ready")
    served.worker.stop()
    sibling = agent.spawn(mold, 0)
    with open_websocket(agent) as connection:
        assert ask(connection) == sibling.pid


@pytest.mark.parametrize("implementation", ["websockets", "websockets-sansio", "wsproto"])
def test_py_03_a_websocket_whose_client_does_not_read_is_cut(agent, implementation):
    server = Uvicorn(agent, UVICORN, "--ws", implementation)
    worker = agent.spawn(server.boot(), 0)
    with socket.create_connection(agent.address, timeout=10) as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.sendall(
            b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b"101" in silent.recv(300)
        silent.sendall(b"\x81\x85\0\0\0\0flood")
        time.sleep(0.3)
        slow = Background(get, agent, "/slow?s=0.5")
        eventually(lambda: worker.board()["busy"] == 1)
        worker.send("stop", grace=2500)
        assert slow.result()[0] == 200
        assert worker.expect("leaving")["reason"] == "stopped"
    assert worker.exit_code() == 0
    assert "application shutdown complete" in agent.log().lower()


def test_py_03_a_websocket_that_ends_by_itself_does_not_hold_the_worker(agent, served):
    with open_websocket(agent) as connection:
        assert ask(connection) == served.worker.pid
        served.worker.send("stop", grace=20_000)
        begun = time.monotonic()
    served.worker.expect("leaving")
    assert time.monotonic() - begun < 5


def test_py_03_an_event_stream_is_finished_and_is_no_request_that_hangs(agent, served):
    stream = Background(get, agent, "/events?n=8&s=0.2")
    eventually(lambda: served.worker.board()["served"] == 1)
    assert served.worker.board()["busy"] == 0
    served.worker.send("stop", grace=10_000)
    assert stream.result() == (200, b"".join(b"%d\n" % n for n in range(8)))
    served.worker.expect("leaving")


def test_py_03_what_outlasts_the_drain_is_cut(agent, served):
    endless = Background(get, agent, "/events?n=100000&s=0.1")
    eventually(lambda: served.worker.board()["served"] == 1)
    begun = time.monotonic()
    served.worker.send("stop", grace=1500)
    served.worker.expect("leaving")
    assert served.worker.exit_code() == 0
    assert 1 < time.monotonic() - begun < 5
    with pytest.raises(Exception, match=r"IncompleteRead|Remote|reset"):
        endless.result()


def test_py_09_lifespan_loop_and_context_over_three_generations(agent, served):
    mold, worker = served.mold, served.worker
    pids, lives = [], {}
    for generation in range(1, 4):
        lives = get(agent, "/lives")[1]
        pids.append(worker.pid)
        # Each worker starts its lifespan; only of those that became a mold its descendants know the end.
        assert lives["lives"] == [
            *([step, pid] for pid in pids[:-1] for step in ("startup", "shutdown")),
            ["startup", worker.pid],
        ]
        assert lives["where"] == "nowhere", "the context of the lifespan is not that of requests"
        next_mold = agent.promote(worker, generation)
        worker.stop()
        mold.stop()
        mold, worker = next_mold, agent.spawn(next_mold, 0)
    assert lives["loop"].startswith(
        "uvloop" if "--loop" in served.argv and "uvloop" in served.argv else "asyncio"
    )
    answer = get(agent)[1]
    assert (answer["count"], answer["warm"]) == (1, 4), "what requests have warmed is handed on"


def test_py_09_state_of_the_lifespan_is_not_shared_and_that_is_said_once(agent):
    server = Uvicorn(agent, UVICORN, PROBE_STATE="1")
    mold = server.boot()
    workers = [agent.spawn(mold, slot) for slot in range(2)]
    warned = [m for w in workers for m in w.received if m["type"] == "warning"]
    assert [m["code"] for m in warned] == ["lifespan-state"]
    assert "keeps cache in its state" in warned[0]["message"]


def test_gen_06_too_slow_to_get_quiet_it_serves_on_in_the_same_life(agent, served):
    slow = Background(get, agent, "/slow?s=3.5")
    eventually(lambda: served.worker.board()["busy"] == 1)
    agent.ask_promote(served.worker, 1, timeout=2000)
    served.worker.expect("promoting")
    assert served.worker.expect("refused")["reason"] == "timeout"
    for _ in range(3):
        assert get(agent)[1]["pid"] == served.worker.pid
    assert slow.result()[0] == 200
    assert get(agent, "/lives")[1]["lives"] == [["startup", served.worker.pid]]
    agent.promote(served.worker, 2)
    served.worker.stop()


BEHIND = (
    "import asyncio, builtins, threading; builtins.end = threading.Event();"
    "asyncio.get_running_loop().run_in_executor(None, builtins.end.wait)"
)


def test_gen_06_a_task_left_behind_in_the_executor_refuses_in_time_and_the_worker_serves_on(agent, served):
    evaluate(agent, BEHIND)
    agent.ask_promote(served.worker, 1, timeout=1300)
    served.worker.expect("promoting")
    refused = served.worker.expect("refused", timeout=5)
    assert refused["reason"] == "timeout"
    assert refused["detail"].startswith("in the loop's executor, thread '")
    assert refused["detail"].endswith("_0' (runs threading.wait) outlasted 1.3 s")
    assert get(agent)[1]["pid"] == served.worker.pid
    evaluate(agent, "import builtins; builtins.end.set()")
    agent.promote(served.worker, 2)
    served.worker.stop()


def test_gen_13_a_task_left_behind_in_the_executor_holds_a_stop_no_longer_than_the_drain(agent, served):
    evaluate(agent, BEHIND)
    begun = time.monotonic()
    served.worker.send("stop", grace=700)
    served.worker.expect("leaving", timeout=6)
    assert served.worker.exit_code() == 0
    assert time.monotonic() - begun < 6


def test_py_09_a_lifespan_that_does_not_end_refuses_in_time_and_the_worker_serves_on(agent):
    worker = agent.spawn(Uvicorn(agent, UVICORN, PROBE_END_HANGS="1").boot(), 0)
    agent.ask_promote(worker, 1, timeout=600)
    worker.expect("promoting")
    assert worker.expect("warning", timeout=5)["code"] == "lifespan"
    refused = worker.expect("refused", timeout=5)
    assert (refused["reason"], refused["detail"]) == (
        "timeout",
        "the shutdown of the lifespan outlasted the 0.6 s of the promotion",
    )
    assert get(agent)[1]["pid"] == worker.pid
    assert worker.board()["state"] == "accepting"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--reload"], "--reload cannot work here"),
        (["--fd", "3"], "--fd cannot work here"),
    ],
)
def test_py_06_refused_by_name(agent, arguments, sentence):
    assert sentence in Uvicorn(agent, UVICORN, *arguments).refused()


def test_py_06_what_is_refused_is_refused_from_the_environment_too(agent):
    said = Uvicorn(agent, UVICORN, UVICORN_RELOAD="true").refused()
    assert "--reload cannot work here" in said and "use uvicorn alone to develop" in said


def test_py_06_a_worker_class_of_gunicorn_is_no_option_here(agent):
    assert "No such option" in Uvicorn(agent, UVICORN, "-k", "gevent").refused()


def test_py_06_what_the_agent_owns_is_the_agents_and_said(agent):
    given = [
        "--host",
        "10.1.1.1",
        "--port",
        "1",
        "--workers",
        "9",
        "--backlog",
        "7",
        "--limit-max-requests",
        "5",
    ]
    mold = Uvicorn(agent, UVICORN, *given, "--timeout-graceful-shutdown", "3").boot()
    agent.spawn(mold, 0)
    for _ in range(7):
        assert get(agent)[0] == 200
    warned = [m["message"] for m in mold.received if m["type"] == "warning"]
    assert [w.split(" ")[1] for w in warned] == [
        "timeout_graceful_shutdown",
        "address",
        "workers",
        "backlog",
        "limit_max_requests",
    ]


def test_py_06_the_agents_own_values_are_accepted_in_silence(agent):
    host, port = agent.address
    mold = Uvicorn(agent, UVICORN, "--host", host, "--port", str(port), "--workers", "2").boot()
    agent.spawn(mold, 0)
    assert get(agent)[0] == 200
    assert [m for m in mold.received if m["type"] == "warning"] == []


def test_py_06_uvicorns_own_settings_are_honoured(agent):
    mold = Uvicorn(
        agent,
        UVICORN,
        "--root-path",
        "/api",
        "--header",
        "X-Shop:blue",
        "--no-access-log",
        "--no-server-header",
    ).boot()
    agent.spawn(mold, 0)
    host, port = agent.address
    with urllib.request.urlopen(f"http://{host}:{port}/", timeout=10) as reply:
        assert reply.headers["X-Shop"] == "blue"
        assert "Server" not in reply.headers
    assert "GET /" not in agent.log()


def test_py_06_tls(agent):
    pem = agent.directory / "pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {pem}.key -out {pem}.crt -days 1 -subj /CN=x".split(),
        check=True,
        capture_output=True,
    )
    server = Uvicorn(agent, UVICORN, "--ssl-keyfile", f"{pem}.key", "--ssl-certfile", f"{pem}.crt")
    worker = agent.spawn(server.boot(), 0)
    context = ssl._create_unverified_context()
    host, port = agent.address

    def over_tls(path):
        with urllib.request.urlopen(f"https://{host}:{port}{path}", timeout=10, context=context) as reply:
            return json.loads(reply.read())["pid"]

    assert over_tls("/") == worker.pid
    slow = Background(over_tls, "/slow?s=0.5")
    eventually(lambda: worker.board()["busy"] == 1)
    next_mold = agent.promote(worker, 1)
    assert slow.result() == worker.pid
    worker.stop()
    assert agent.spawn(next_mold, 0).pid == over_tls("/")


def test_py_05_an_application_that_raises_while_loading(agent):
    server = Uvicorn(agent, UVICORN)
    server.argv[-1] = "broken:application"
    agent.start(*server.argv)
    agent.accept().welcome(-1, 0)
    assert agent.wait_command() == 1
    assert agent.log().count("Traceback") == 1


def test_py_06_no_agent_one_sentence():
    with FakeAgent() as agent:
        server = Uvicorn(agent, UVICORN)
        done = subprocess.run(server.argv, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no Refork agent" in done.stderr


def test_a_lifespan_that_fails_ends_the_worker_with_its_reason(agent):
    server = Uvicorn(agent, UVICORN, "--lifespan", "on")
    server.argv[-1] = "broken_lifespan:application"
    mold = server.boot()
    worker = agent.order(mold, 0)
    worker.welcome(0, 0)
    assert "SystemExit" in worker.expect("leaving")["reason"]
    assert "asked to fail" in agent.log()
