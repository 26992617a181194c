"""The wire format, against docs/protocol.md."""

import json

import pytest
from refork import protocol

WELCOME = {
    "type": "welcome",
    "slot": 3,
    "generation": 2,
    "row": 7,
    "timeouts": {"boot": 60000, "spawn": 10000, "promote": 30000, "request": 0, "drain": 30000, "kill": 2500},
    "pool": {
        "workers": 8,
        "backlog": 2048,
        "maxRequests": 0,
        "listeners": [{"name": "http", "address": "0.0.0.0:8000"}],
        "threads": ["grpc"],
    },
}


def line(**fields):
    return json.dumps(fields).encode()


def test_welcome_is_read_in_seconds():
    welcome = protocol.decode(line(**WELCOME))
    assert isinstance(welcome, protocol.Welcome)
    assert (welcome.slot, welcome.generation, welcome.row) == (3, 2, 7)
    assert (welcome.timeouts.kill, welcome.timeouts.request) == (2.5, 0.0)
    assert welcome.pool.listeners == (protocol.ListenerInfo("http", "0.0.0.0:8000"),)
    assert welcome.pool.threads == ("grpc",)


def test_unknown_fields_are_ignored():
    assert protocol.decode(line(type="stop", grace=1500, colour="red")) == protocol.Stop(1.5)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"[1]", "malformed"),
        (b"\xff\xfe", "malformed"),
        (line(type="dance"), "unknown-type"),
        (line(typ="stop"), "unknown-type"),
        (line(type="stop"), "malformed"),
        (line(type="stop", grace="soon"), "malformed"),
        (line(type="stop", grace=True), "malformed"),
        (line(type="promote", generation=1, spawn=5, timeout=1), "malformed"),
        (line(**{**WELCOME, "pool": []}), "malformed"),
        (line(**{**WELCOME, "row": None}), "malformed"),
    ],
)
def test_what_does_not_fit_is_an_error_with_the_protocols_code(text, code):
    with pytest.raises(protocol.ProtocolError) as raised:
        protocol.decode(text)
    assert raised.value.code == code


def test_a_sent_line_is_one_line_and_short_whatever_is_in_it():
    sent = protocol.encode("warning", code="x", message="\n\u2603" * 100_000)
    assert sent.endswith(b"\n") and sent.count(b"\n") == 1
    assert len(sent) <= protocol.MAX_LINE
    assert json.loads(sent)["code"] == "x"


def test_absent_fields_are_left_out():
    assert json.loads(protocol.encode("hello", spawn=None, pid=1)) == {"type": "hello", "pid": 1}
