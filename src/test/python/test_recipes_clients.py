"""PY-10: recipes of docs/recipes.md for connections and threads: pools, clients, schedulers; and without them."""

import os
import subprocess
from collections import Counter, defaultdict

import pytest
from backends import Collector, Postgres, Redis
from peer import eventually
from recipes import RECIPES, Shop, live, recipe, refusal
from servers import python


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


def sessions(shop: Shop) -> dict[int, set[int]]:
    """Who used which connection: processes by the server's number of it."""
    found = defaultdict(set)
    for answer in shop.answers:
        found[answer["value"]].add(answer["pid"])
    return found


# Pools of connections

SQLALCHEMY_USE = """
from sqlalchemy import text


def use(_path):
    with engine.connect() as connection:
        return connection.execute(text("select 1")).scalar()
"""


def test_py_10_sqlalchemy_pool_is_closed_and_opened_again(agent):
    url = f"sqlite:///{agent.directory}/data.db"
    live(agent, recipe("SQLAlchemy") + SQLALCHEMY_USE, DATABASE_URL=url)


def test_py_10_sqlalchemy_without_it_the_connection_refuses(agent):
    plain = f"from sqlalchemy import create_engine\nengine = create_engine('sqlite:///{agent.directory}/data.db')\n"
    reason, detail = refusal(agent, plain + SQLALCHEMY_USE)
    assert (reason, "data.db" in detail) == ("descriptors", True)


PSYCOPG_USE = """

def use(_path):
    with pool.connection() as connection:
        return connection.execute("select pg_backend_pid()").fetchone()[0]
"""


def test_py_10_psycopg_no_connection_has_two_processes(agent):
    with Postgres() as postgres:
        url = f"postgresql://shop@127.0.0.1:{postgres.port}/shop"
        shop = live(agent, recipe("psycopg") + PSYCOPG_USE, DATABASE_URL=url)
    assert {len(pids) for pids in sessions(shop).values()} == {1}


def test_py_10_psycopg_without_it_threads_refuse(agent):
    plain = recipe("psycopg").replace("@refork.before_promote", "")
    with Postgres() as postgres:
        url = f"postgresql://shop@127.0.0.1:{postgres.port}/shop"
        reason, detail = refusal(agent, plain + PSYCOPG_USE, DATABASE_URL=url)
    assert (reason, "pool-1-worker-0" in detail, "pool-1-scheduler" in detail) == ("threads", True, True)


REDIS_USE = """

def use(_path):
    return client.client_id()
"""


def test_py_10_redis_no_connection_has_two_processes(agent):
    with Redis() as server:
        url = f"redis://127.0.0.1:{server.port}"
        shop = live(agent, recipe("redis") + REDIS_USE, REDIS_URL=url)
    assert {len(pids) for pids in sessions(shop).values()} == {1}


def test_py_10_redis_without_it_the_connection_refuses(agent):
    with Redis() as server:
        plain = f"import redis\nclient = redis.Redis.from_url('redis://127.0.0.1:{server.port}')\n"
        reason, detail = refusal(agent, plain + REDIS_USE)
    assert (reason, f"connected to 127.0.0.1:{server.port}" in detail) == ("descriptors", True)


BOTO3_USE = """

def use(_path):
    return [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
"""


def aws(collector):
    return {
        "S3_ENDPOINT": f"http://127.0.0.1:{collector.port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }


def test_py_10_boto3_client_is_handed_on_without_its_connections(agent, collector):
    shop = live(agent, recipe("boto3") + BOTO3_USE, **aws(collector))
    assert all(answer["value"] == ["one"] for answer in shop.answers)


def test_py_10_boto3_without_it_the_connection_refuses(agent, collector):
    plain = recipe("boto3").replace("@refork.before_promote", "")
    reason, detail = refusal(agent, plain + BOTO3_USE, **aws(collector))
    assert (reason, f"connected to 127.0.0.1:{collector.port}" in detail) == ("descriptors", True)


GRPC_SERVER = """
import sys
from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request + context.peer().encode())


server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers([Echo()])
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.read()
"""
GRPC_USE = """

def use(_path):
    return channel.unary_unary("/shop/Echo")(b"peer of ", timeout=10).decode()
"""


@pytest.fixture
def prices():
    command = [python(RECIPES), "-c", GRPC_SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield "127.0.0.1:" + server.stdout.readline().strip()
        server.stdin.close()


def test_py_10_grpc_a_channel_of_each_worker(agent, prices):
    shop = live(agent, recipe("gRPC") + GRPC_USE, PRICES_ADDRESS=prices)
    assert {len(pids) for pids in sessions(shop).values()} == {1}


def test_py_10_grpc_without_it_threads_refuse(agent, prices):
    plain = recipe("gRPC").replace("@refork.before_promote", "")
    reason, detail = refusal(agent, plain + GRPC_USE, PRICES_ADDRESS=prices)
    assert (reason, "event_engine" in detail) == ("threads", True)


# Threads

SCHEDULER_USE = """

def use(_path):
    return None if scheduler is None else scheduler.running
"""


def await_tidying(agent):
    before = agent.log().count("tidying up")
    eventually(lambda: agent.log().count("tidying up") > before + 1)


def test_py_10_apscheduler_runs_in_one_worker_of_each_generation(agent):
    code = recipe("Background threads, APScheduler").replace("seconds=1", "seconds=0.1")
    shop = Shop(agent, code + SCHEDULER_USE, {})
    for _ in range(3):
        shop.ask()
        await_tidying(agent)
        shop.fail_to_promote()
        shop.promote()
    await_tidying(agent)
    running = {answer["pid"]: answer["value"] for answer in shop.answers}
    assert Counter(running.values()) == {True: 3, None: 3}
    shop.stop()


def test_py_10_apscheduler_a_long_job_refuses_and_the_scheduler_goes_on(agent):
    code = recipe("Background threads, APScheduler").replace("seconds=1", "seconds=0.1")
    code = code.replace("flush=True)", "flush=True)\n    __import__('time').sleep(6)")
    shop = Shop(agent, code + SCHEDULER_USE, {})
    eventually(lambda: agent.log().count("tidying up") == 1)
    reason, detail = shop.refused()
    assert (reason, "ThreadPoolExecutor" in detail) == ("threads", True)
    eventually(lambda: agent.log().count("tidying up") == 2, "the scheduler does not go on")


def test_py_10_apscheduler_without_it_threads_refuse(agent):
    code = recipe("Background threads, APScheduler").replace("@refork.before_promote", "")
    reason, detail = refusal(agent, code + SCHEDULER_USE)
    assert (reason, "APScheduler" in detail) == ("threads", True)


@pytest.mark.parametrize(
    ("title", "begun"),
    [("psycopg", "pool"), ("gRPC", "channel"), ("Background threads, APScheduler", "scheduler")],
)
def test_py_10_without_an_agent_it_begins_at_once(title, begun):
    env = {k: v for k, v in os.environ.items() if not k.startswith("REFORK_")}
    env.update(DATABASE_URL="postgresql://127.0.0.1:1/shop", PRICES_ADDRESS="127.0.0.1:1")
    code = recipe(title) + f"\nassert {begun} is not None\nos._exit(7)\n"
    assert subprocess.run([python(RECIPES), "-c", code], env=env, timeout=60, check=False).returncode == 7
