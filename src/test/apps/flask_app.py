"""The test application with Flask."""

import behaviour
from flask import Flask, Response

behaviour.load()
application = Flask(__name__)


@application.route("/", defaults={"path": ""})
@application.route("/<path:path>")
def answer(path):
    comm = open("/proc/self/comm").read().split()
    slot, generation = (int(comm[1][1:]), int(comm[2][1:])) if comm[0] == "refork" else (-1, -1)
    status, text = behaviour.answer(path, slot, generation)
    return Response(text, status, mimetype="text/plain")
