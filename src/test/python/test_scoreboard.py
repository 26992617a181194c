"""The scoreboard's layout, byte by byte, against the table in docs/protocol.md."""

import os
import struct
import threading
import time

import pytest
from refork import scoreboard

FIELDS = struct.Struct("<BBHIIIQQQQ16s")


@pytest.fixture
def board(tmp_path):
    path = tmp_path / "board"
    path.write_bytes(bytes(64 * 4))
    yield scoreboard.Scoreboard(str(path)), path


def read(path, row):
    return FIELDS.unpack(path.read_bytes()[row * 64 : row * 64 + 64])


def test_a_row_has_the_documented_layout(board):
    mapped, path = board
    row = mapped.row(2)
    row.open(258, scoreboard.STARTING)
    assert read(path, 2) == (1, 1, 0, 258, os.getpid(), 0, 0, 0, 0, 0, bytes(16))
    before = time.monotonic_ns()
    first = row.begin()
    second = row.begin()
    row.beat()
    row.state(scoreboard.ACCEPTING)
    format_, state, _, _, _, busy, oldest, beat, served, errors, _ = read(path, 2)
    assert (format_, state, busy, served, errors) == (1, 2, 2, 0, 0)
    assert before <= oldest <= beat <= time.monotonic_ns()
    row.end(first, error=False)
    assert read(path, 2)[6] > oldest  # the second request is the oldest now
    row.end(second, error=True)
    assert read(path, 2)[5:10] == (0, 0, beat, 2, 1)


def test_neighbouring_rows_stay_untouched(board):
    mapped, path = board
    row = mapped.row(1)
    row.open(2**32 - 1, scoreboard.DRAINING)
    row.end(row.begin(), error=True)
    assert path.read_bytes()[:64] == bytes(64)
    assert path.read_bytes()[128:] == bytes(128)


def test_ending_twice_counts_once(board):
    row = board[0].row(0)
    token = row.begin()
    row.end(token, error=False)
    row.end(token, error=False)
    assert (row.served, row.busy) == (1, 0)


def test_an_exception_in_a_request_counts_as_an_error(board):
    row = board[0].row(0)
    with pytest.raises(ValueError), row.request():
        raise ValueError
    assert (row.served, row.errors, row.busy) == (1, 1, 0)


def test_threads_lose_no_request(board):
    mapped, path = board
    row = mapped.row(0)

    def work():
        for _ in range(2000):
            with row.request():
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(path, 0)[5:10] == (0, 0, 0, 8000, 0)


@pytest.mark.parametrize("number", [-1, 4, 10**9])
def test_a_row_beyond_the_file_is_an_error(board, number):
    with pytest.raises(ValueError):
        board[0].row(number)
