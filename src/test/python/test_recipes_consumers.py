"""PY-10: the recipe of docs/recipes.md for queue consumers by refork.run; and without it."""

import re
from collections import Counter

from backends import Redis
from peer import eventually
from recipes import RECIPES, recipe, sockets
from servers import python

CONSUMERS = "Queue consumers, in place of Celery or RQ"


class Consumers:
    """Two consumers in the pool, and a queue."""

    def __init__(self, agent, code, server):
        file = agent.directory / "consumer.py"
        file.write_text(code)
        self.agent, self.server, self.jobs = agent, server, 0
        env = {"REDIS_URL": f"redis://127.0.0.1:{server.port}"}
        self.mold = agent.boot(python(RECIPES), str(file), env=env)
        self.workers = [agent.spawn(self.mold, slot) for slot in range(2)]

    def put(self, count):
        """Jobs with running numbers."""
        new = range(self.jobs, self.jobs + count)
        self.server.put(b"jobs", [b"%04d" % n for n in new])
        self.jobs += count

    def done(self):
        return Counter(re.findall(r"^done (\d+)$", self.agent.log(), re.M))

    def await_all(self):
        eventually(lambda: len(self.done()) == self.jobs and not any(self.server.lists.values()))


def test_py_10_consumers_do_each_job_over_generations(agent):
    with Redis() as server:
        pool = Consumers(agent, recipe(CONSUMERS), server)
        for generation in range(1, 4):
            pool.put(50)
            mold = agent.promote(pool.workers[0], generation)
            assert sockets(mold) == sockets(pool.mold), "nothing but its own is open in the mold"
            for slot, worker in enumerate(pool.workers):
                worker.stop()
                pool.workers[slot] = agent.spawn(mold, slot)
            pool.mold.stop()
            pool.mold = mold
        pool.await_all()
        assert set(pool.done().values()) == {1}, "each once: nobody was killed"
        for worker in pool.workers:
            worker.stop()


def test_py_10_consumers_a_job_of_a_killed_worker_is_done_by_the_next(agent):
    slow = recipe(CONSUMERS).replace('["handled"] += 1', '["handled"] += 1; __import__("time").sleep(60)')
    with Redis() as server:
        pool = Consumers(agent, slow, server)
        pool.put(1)
        eventually(lambda: any(worker.board()["busy"] for worker in pool.workers))
        (busy,) = [worker for worker in pool.workers if worker.board()["busy"]]
        busy.kill()
        busy.exit_code()
        assert server.lists[b"jobs"] == []
        pool.workers[busy.slot] = agent.spawn(pool.mold, busy.slot)
        eventually(lambda: sum(worker.board()["busy"] for worker in pool.workers) == 1)


def test_py_10_consumers_without_it_the_connection_refuses(agent):
    plain = recipe(CONSUMERS).replace(
        'with redis.Redis.from_url(os.environ["REDIS_URL"]) as queue:',
        'for queue in [application.setdefault("redis", redis.Redis.from_url(os.environ["REDIS_URL"]))]:',
    )
    with Redis() as server:
        pool = Consumers(agent, plain, server)
        pool.put(10)
        pool.await_all()
        agent.ask_promote(pool.workers[0], 1)
        pool.workers[0].expect("promoting")
        refused = pool.workers[0].expect("refused")
        assert refused["reason"] == "descriptors"
        assert f"connected to 127.0.0.1:{server.port}" in refused["detail"]
