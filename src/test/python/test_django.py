"""The Django example under the agent: the ORM, sessions, static files, on each server."""

import http.cookiejar
import json
import subprocess
import urllib.request
from pathlib import Path

import pytest
import venvs
from peer import eventually
from servers import Background, get, python

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "django-notes"
DJANGO = venvs.first("django52", "3.13", "3.12", "3.11", "3.10")
COMMANDS = {
    "gthread": ["gunicorn", "--chdir", str(EXAMPLE), "--threads", "4", "site_notes.wsgi"],
    "sync": ["gunicorn", "--chdir", str(EXAMPLE), "-k", "sync", "site_notes.wsgi"],
    "uvicorn": ["uvicorn", "--app-dir", str(EXAMPLE), "site_notes.asgi:application"],
}


def manage(env, *arguments):
    command = [python(DJANGO), str(EXAMPLE / "manage.py"), *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def env(tmp_path):
    """The example's database, migrated."""
    import os

    env = {**os.environ, "NOTES_DATA": str(tmp_path / "data"), "PYTHONDONTWRITEBYTECODE": "1"}
    manage(env, "migrate", "--verbosity", "0")
    return env


def test_py_02_the_example_is_clean(env):
    assert "no issues" in manage(env, "check", "--fail-level", "WARNING")
    assert "No changes detected" in manage(env, "makemigrations", "--check", "--dry-run")


@pytest.mark.parametrize("kind", COMMANDS)
def test_py_02_orm_sessions_and_static_files_over_four_generations(agent, env, kind):
    mold = agent.boot(python(DJANGO), "-m", "refork", *COMMANDS[kind], env=env)
    workers = [agent.spawn(mold, slot) for slot in range(2)]
    host, port = agent.address
    visitor = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    )

    def visits():
        with visitor.open(f"http://{host}:{port}/visits", timeout=15) as reply:
            return json.loads(reply.read())["visits"]

    seen = 0
    for generation in range(1, 5):
        pages = [
            Background(get, agent, f"/notes/{n}") for n in range(1 + 20 * generation, 21 + 20 * generation)
        ]
        for page in pages:
            status, body = page.result()
            assert (status, b"Words about" in body) == (200, True)
        for _ in range(4):
            seen += 1
            assert visits() == seen
        assert b"sans-serif" in get(agent, "/static/notes/notes.css")[1]
        next_mold = agent.promote(workers[0], generation)
        for slot, worker in enumerate(workers):
            worker.stop()
            workers[slot] = agent.spawn(next_mold, slot)
        mold.stop()
        mold = next_mold
        assert [fd for fd, name in mold.descriptors().items() if "sqlite" in name] == []
    warm = get(agent, "/pid")[1]["warm"]
    assert warm > 0, "what requests have warmed is handed on"
    eventually(lambda: all(w.board()["busy"] == 0 for w in workers))
    assert "Traceback" not in agent.log()
    assert "OperationalError" not in agent.log()


OLDER = """
import django.db
from refork.contrib.django import apps


class Older:
    def all(self):
        return django.db.connections.all()


apps.connections = Older()
"""


def test_py_02_connections_are_closed_as_older_versions_of_django_list_them(agent, env):
    """Django 3.2 and 4.0 have no argument for those that are open."""
    (agent.directory / "older_gunicorn.conf.py").write_text(OLDER)
    options = [*COMMANDS["gthread"], "-c", str(agent.directory / "older_gunicorn.conf.py")]
    mold = agent.boot(python(DJANGO), "-m", "refork", *options, env=env)
    worker = agent.spawn(mold, 0)
    assert get(agent, "/notes/1")[0] == 200
    new_mold = agent.promote(worker, 1)
    worker.stop()
    agent.spawn(new_mold, 0)
    assert get(agent, "/notes/2")[0] == 200


def test_py_02_a_worker_that_is_refused_promotion_opens_its_connections_again(agent, env):
    mold = agent.boot(python(DJANGO), "-m", "refork", *COMMANDS["gthread"], env=env)
    worker = agent.spawn(mold, 0)
    assert get(agent, "/notes/1")[0] == 200
    agent.ask_promote(worker, 1)
    worker.expect("promoting")
    worker.expect("spawned")
    agent.accept().kill()
    worker.send("resume", reason="test")
    assert get(agent, "/notes/2")[0] == 200
    assert get(agent, "/visits")[1] == {"visits": 1}
