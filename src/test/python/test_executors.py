"""Threads that end before a promotion and come again: those of executors and of OpenBLAS."""

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from echoes import boot, run
from refork import executors

EXECUTOR = (
    "import threading; from concurrent.futures import ThreadPoolExecutor; from time import sleep;"
    "pool = extra['pool'] = ThreadPoolExecutor(4);"
    "[f.result() for f in [pool.submit(sleep, 0.02) for _ in range(8)]];"
    "result = threading.active_count();"
)
USE = "result = extra['pool'].submit(pow, 2, 5).result(5)"


def test_fork_09_idle_threads_of_an_executor_end_for_a_promotion_and_come_again(agent):
    worker = agent.spawn(boot(agent), 0)
    assert run(agent, EXECUTOR) == 5
    mold = agent.promote(worker, 1)
    worker.send("resume", reason="test")
    assert run(agent, USE) == 32
    mold = agent.promote(worker, 2)
    worker.stop()
    agent.spawn(mold, 0)
    assert run(agent, USE) == 32


def test_fork_09_a_task_that_has_just_begun_does_not_hold_up_who_ends_idle_threads(monkeypatch):
    end, pool = threading.Event(), ThreadPoolExecutor(2)
    try:
        running = [pool.submit(end.wait) for _ in range(2)]
        monkeypatch.setattr(executors, "_is_idle", lambda _executor: True)  # the moment before they begin
        begun = time.monotonic()
        executors.end_idle_threads()
        took = time.monotonic() - begun
    finally:
        end.set()
    assert took < 2
    assert [future.result(5) for future in running] == [True, True]
    assert pool.submit(pow, 2, 5).result(5) == 32
    pool.shutdown()


def test_fork_09_what_an_executors_thread_held_in_a_cycle_is_no_descriptor_of_anybodys(agent):
    worker = agent.spawn(boot(agent), 0)
    run(
        agent,
        "import threading; from concurrent.futures import ThreadPoolExecutor; local = threading.local();"
        f"held = lambda own: (own.append(own), setattr(local, 'own', own)); file = {str(agent.out) + '.w'!r};"
        "extra['pool'] = ThreadPoolExecutor(1);"
        "extra['pool'].submit(lambda: held([open(file, 'w')])).result(5)",
    )
    mold = agent.promote(worker, 1)
    assert not any(".w" in what for what in mold.descriptors().values())


def test_fork_09_hooks_run_when_executors_have_no_threads_and_may_use_them(agent):
    worker = agent.spawn(boot(agent), 0)
    run(agent, EXECUTOR)
    note = "extra['seen'] = threading.active_count(), extra['pool'].submit(pow, 2, 5).result(5)"
    run(agent, f"import threading; refork.before_promote(lambda: exec({note!r}, globals()))")
    agent.promote(worker, 1)
    worker.send("resume", reason="test")
    assert run(agent, "result = extra['seen']") == [1, 32]


@pytest.mark.parametrize("point", ["after_promote", "before_fork"])
def test_fork_09_an_executor_that_a_hook_has_used_in_a_mold_works_in_workers(agent, point):
    worker = agent.spawn(boot(agent), 0)
    hook = "lambda: extra['pool'].submit(pow, 2, 5).result(5)"
    run(
        agent,
        "from concurrent.futures import ThreadPoolExecutor; extra['pool'] = ThreadPoolExecutor(1);"
        f"refork.{point}({hook})",
    )
    mold = agent.promote(worker, 1)
    worker.stop()
    agent.spawn(mold, 0)
    assert run(agent, USE) == 32


def test_fork_09_an_executor_that_was_used_while_loading_works_in_workers(agent):
    mold = boot(agent, env={"ECHO_LOADING": EXECUTOR})
    assert mold.received[-1]["threads"] == []
    agent.spawn(mold, 0)
    assert run(agent, USE) == 32


def test_fork_09_an_executor_at_work_refuses_by_the_name_of_its_task_and_works_on(agent):
    worker = agent.spawn(boot(agent), 0)
    run(agent, EXECUTOR + "extra['end'] = threading.Event(); extra['wait'] = pool.submit(extra['end'].wait)")
    agent.ask_promote(worker, 1)
    worker.expect("promoting")
    refused = worker.expect("refused")
    assert refused["reason"] == "threads"
    assert "'ThreadPoolExecutor-0_" in refused["detail"] and "(runs threading.wait)" in refused["detail"]
    assert "stop them in a before_promote hook" in refused["detail"] and len(refused["detail"]) <= 200
    assert run(agent, USE) == 32
    assert run(agent, "extra['end'].set(); result = extra['wait'].result(5)") is True
    agent.promote(worker, 2)


OPENBLAS = """
#include <pthread.h>
#include <unistd.h>
static pthread_t thread;
static void *sleeper(void *nothing) { for (;;) sleep(1); return nothing; }
void multiply(void) { if (!thread) pthread_create(&thread, 0, sleeper, 0); }
int blas_thread_shutdown_(void) {
  if (thread) { pthread_cancel(thread); pthread_join(thread, 0); thread = 0; }
  return 0;
}
"""


def test_py_06_threads_of_openblas_end_before_a_promotion_and_come_again(agent):
    # A stand-in with the real one's name and its function that ends threads; numpy is tried by hand.
    library = agent.directory / "libscipy_openblas64_-1.so"
    source = agent.directory / "openblas.c"
    source.write_text(OPENBLAS)
    subprocess.run(["gcc", "-shared", "-fPIC", "-pthread", "-o", library, source], check=True)
    load = f"import ctypes; extra['blas'] = ctypes.CDLL({str(library)!r}); extra['blas'].multiply()"
    mold = boot(agent, env={"ECHO_LOADING": load})
    assert [m for m in mold.received if m["type"] == "warning"] == []
    worker = agent.spawn(mold, 0)
    count = "import os; extra['blas'].multiply(); result = len(os.listdir('/proc/self/task'))"
    assert run(agent, count) == 2
    agent.promote(worker, 1)
    worker.send("resume", reason="try again")
    assert run(agent, count) == 2
