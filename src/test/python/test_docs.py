"""The examples in docs/python.md run, and the example applications too."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from fakeagent import FakeAgent
from peer import eventually
from servers import get

ROOT = Path(__file__).resolve().parents[3]


def test_the_complete_example_of_the_documentation_serves(agent):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.S)
    (program,) = [block for block in blocks if "refork.run(" in block]
    file = agent.directory / "upper.py"
    file.write_text(program)
    worker = agent.spawn(agent.boot(sys.executable, str(file)), 0)
    with socket.create_connection(agent.address, timeout=10) as s:
        s.sendall(b"warm\nworkers\n")
        s.shutdown(socket.SHUT_WR)
        assert s.makefile("rb").read() == b"WARM\nWORKERS\n"
    eventually(lambda: worker.board()["served"] == 2)
    agent.promote(worker, 1)
    worker.stop()


def test_the_queue_consumer_does_each_job_once(tmp_path):
    program = str(ROOT / "examples" / "queue-consumer" / "consumer.py")
    env = {"SPOOL": str(tmp_path / "spool")}
    put = [sys.executable, program, "put", "60"]
    subprocess.run(put, check=True, env={**os.environ, **env}, timeout=30)
    with FakeAgent(listeners=0) as agent:
        mold = agent.boot(sys.executable, program, env=env)
        workers = [agent.spawn(mold, slot) for slot in range(2)]
        next_mold = agent.promote(workers[0], 1)
        workers[0].stop()
        workers[0] = agent.spawn(next_mold, 0)
        eventually(lambda: len(list((tmp_path / "spool").glob("*.done"))) == 60)
        for worker in workers:
            worker.stop()
    assert list((tmp_path / "spool").glob("*.job")) == []


def test_the_flask_shop_serves_all_its_pages_and_stays_warm(agent):
    shop = ROOT / "examples" / "flask-shop"
    paths = subprocess.run(
        [sys.executable, "paths.py", "100"], cwd=shop, check=True, capture_output=True, text=True, timeout=30
    ).stdout.split()
    assert {path.split("/")[1].partition("?")[0] for path in paths} == {"", "category", "product", "search"}
    arguments = ["-m", "refork", "gunicorn", "-c", str(shop / "gunicorn.conf.py"), "--chdir", str(shop)]
    mold = agent.boot(sys.executable, *arguments, env={"TMPDIR": str(agent.directory)})
    before = mold.received[-1]["memory"]["resident"]
    worker = agent.spawn(mold, 0)
    for path in paths:
        status, page = get(agent, path)
        assert status == 200 and b"</html>" in page, (path, status)
    next_mold = agent.promote(worker, 1)
    assert next_mold.received[-1]["memory"]["resident"] > before + 5_000_000
    worker.stop()
    agent.spawn(next_mold, 0)
    assert get(agent, paths[0])[0] == 200
    assert get(agent, "/product/999999")[0] == 404


def test_py_10_the_page_of_tested_versions_names_the_libraries_that_the_tests_run_with():
    page = (ROOT / "docs" / "versions.md").read_text()
    rows = {row.split("|")[1].strip(): row.split("|")[2] for row in page.splitlines() if row.startswith("| ")}
    matrix = ROOT / "src" / "test" / "python" / "matrix"
    pins = dict(re.findall(r"^([\w-]+)==(.+)$", (matrix / "recipes.txt").read_text(), re.M))
    pins.update(re.findall(r"^(Django)==(.+)$", (matrix / "django52.txt").read_text(), re.M))
    own = {"Django": "django", "sentry-sdk": "sentry", "opentelemetry-sdk": "opentelemetry"}
    own["prometheus_client"] = "prometheus"
    for name, module in own.items():
        assert pins[name] in rows[f"{name} (`refork.contrib.{module}`)"]
    for name in ("SQLAlchemy", "psycopg", "psycopg-pool", "redis", "boto3", "grpcio", "APScheduler"):
        assert f"{name} {pins[name]}" in rows["libraries of [recipes.md](recipes.md)"]


def test_the_pool_in_the_migration_page_is_the_sample_and_its_hooks_are_python():
    page = (ROOT / "docs" / "migration.md").read_text()
    (pool,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert pool == (ROOT / "deploy" / "samples" / "beside.yaml").read_text()
    asgi, hooks = re.findall(r"```python\n(.*?)```", page, re.S)
    compile(asgi, "asgi.py", "exec")
    assert "before_promote" in compile(hooks, "hooks.py", "exec").co_names


def test_py_01_the_fastapi_books_serve_under_uvicorn_and_stay_warm(agent):
    books = ROOT / "examples" / "fastapi-books"
    arguments = ["-m", "refork", "uvicorn", "--app-dir", str(books), "main:app"]
    mold = agent.boot(sys.executable, *arguments, env={"TMPDIR": str(agent.directory)})
    worker = agent.spawn(mold, 0)
    assert get(agent, "/health") == (200, {"ok": True})
    status, book = get(agent, "/books/51")
    assert (status, book["id"], len(book["chapters"])) == (200, 51, 20)
    status, similar = get(agent, "/books/51/similar")
    assert (status, len(similar)) == (200, 5)
    assert get(agent, "/books/501")[0] == 404
    next_mold = agent.promote(worker, 1)
    worker.stop()
    agent.spawn(next_mold, 0)
    assert get(agent, "/books/51/similar") == (200, similar)
