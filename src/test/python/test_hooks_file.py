"""`python -m refork --hooks FILE SERVER ...`: hooks for an application that is not one's own."""

import pytest
from peer import eventually
from servers import NEWEST, UVICORN, Gunicorn, Uvicorn, evaluate

HOOKS = """
import sys, threading
import refork
shop = sys.modules[{module!r}]  # it is loaded
end = threading.Event()

@refork.before_promote
def stop():
    shop.LOADS["stopped"] = shop.LOADS.get("stopped", 0) + 1
    end.set()
    shop.THREAD.join(5)
"""
START = """
import sys, threading
shop = sys.modules[{module!r}]
end = sys.modules["refork_hooks"].end
shop.THREAD = threading.Thread(target=end.wait, name="not yours", daemon=True)
shop.THREAD.start()
"""


def with_hooks(kind, agent, *arguments):
    server = kind(agent, {Gunicorn: NEWEST, Uvicorn: UVICORN}[kind])
    server.argv[3:3] = arguments  # after python -m refork
    return server


@pytest.mark.parametrize(
    ("kind", "module"), [(Gunicorn, "probe"), (Uvicorn, "asgi_probe")], ids=["gunicorn", "uvicorn"]
)
def test_py_10_hooks_in_a_file_of_their_own_stop_threads_of_an_application_that_is_not_yours(
    agent, kind, module
):
    file = agent.directory / "shop hooks"
    file.write_text(HOOKS.format(module=module))
    worker = agent.spawn(with_hooks(kind, agent, "--hooks", str(file)).boot(), 0)
    evaluate(agent, START.format(module=module))
    mold = agent.promote(worker, 1)
    worker.stop()
    agent.spawn(mold, 0)
    assert evaluate(agent, f"import sys; result = sys.modules[{module!r}].LOADS['stopped']") == 1


def test_py_10_a_hooks_file_that_raises_ends_the_start_with_its_traceback(agent):
    file = agent.directory / "hooks.py"
    file.write_text("import refork\nrefork.before_promise\n")
    server = with_hooks(Gunicorn, agent, f"--hooks={file}")
    agent.start(*server.argv, env=server.env)
    agent.accept().welcome(-1, 0)
    assert agent.wait_command() == 1
    eventually(lambda: "has no attribute 'before_promise'" in agent.log() and str(file) in agent.log())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--hooks", "absent.py"], "--hooks absent.py: there is no such file in /"),
        (["--hooks="], "--hooks needs a file, and a server after it"),
        (["--hooks"], "--hooks gunicorn: there is no such file"),
    ],
)
def test_py_06_a_hooks_file_that_is_not_there_is_refused(agent, arguments, sentence):
    assert sentence in with_hooks(Gunicorn, agent, *arguments).refused()
