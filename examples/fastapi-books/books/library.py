"""The data: made by this program, the same each time, so the example needs no download. BOOKS says how many (500)."""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile

BOOKS = int(os.environ.get("BOOKS", "500"))
GENRES = 50
CHAPTERS = 20
WORDS = [
    *("river", "stone", "winter", "garden", "letter", "shadow", "bridge", "island", "mirror", "harbour"),
    *(
        "orchard",
        "lantern",
        "forest",
        "silence",
        "journey",
        "market",
        "tower",
        "valley",
        "morning",
        "stranger",
    ),
]


def make_database() -> str:
    """Write the books into a new SQLite file; returns its path."""
    chance = random.Random(20_26)
    path = os.path.join(tempfile.mkdtemp(prefix="books-"), "books.sqlite")
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE book (id INTEGER PRIMARY KEY, genre INTEGER, title TEXT, year INTEGER);"
        "CREATE TABLE chapter (book INTEGER, number INTEGER, title TEXT, summary TEXT);"
    )

    def words(count: int) -> str:
        return " ".join(chance.choices(WORDS, k=count))

    for number in range(1, BOOKS + 1):
        connection.execute(
            "INSERT INTO book VALUES (?, ?, ?, ?)",
            (number, number % GENRES, words(3).title(), chance.randrange(1800, 2026)),
        )
        connection.executemany(
            "INSERT INTO chapter VALUES (?, ?, ?, ?)",
            [(number, n, words(4).title(), words(30)) for n in range(1, CHAPTERS + 1)],
        )
    connection.executescript(
        "CREATE INDEX by_genre ON book (genre); CREATE INDEX by_book ON chapter (book, number);"
    )
    connection.commit()
    connection.close()
    return path
