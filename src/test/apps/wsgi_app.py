"""The test application as WSGI; also runs under gunicorn alone, for comparison."""

import behaviour

behaviour.load()


def application(environ, start_response):
    comm = open("/proc/self/comm").read().split()
    slot, generation = (int(comm[1][1:]), int(comm[2][1:])) if comm[0] == "refork" else (-1, -1)
    status, text = behaviour.answer(environ["PATH_INFO"], slot, generation)
    body = text.encode()
    start_response("%d X" % status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
