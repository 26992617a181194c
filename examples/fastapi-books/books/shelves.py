"""Books as the API shows them. A genre is read and indexed when its first book is asked for, and kept."""

from __future__ import annotations

import functools
import sqlite3
from array import array
from dataclasses import dataclass

from pydantic import BaseModel

from .library import WORDS


class Chapter(BaseModel):
    """A chapter and what happens in it."""

    number: int
    title: str
    summary: str


class Book(BaseModel):
    """A book."""

    id: int
    genre: int
    title: str
    year: int
    chapters: list[Chapter]


@dataclass
class Shelf:
    """The books of a genre."""

    books: dict[int, Book]
    vectors: dict[int, array[float]]
    """How often each word occurs in a book's summaries."""


class Shelves:
    """The caches of one process. They grow with the genres and books that were asked for."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.shelf = functools.lru_cache(maxsize=None)(self._shelf)
        self.similar = functools.lru_cache(maxsize=None)(self._similar)

    def book(self, number: int, genre: int) -> Book | None:
        """One book."""
        return self.shelf(genre).books.get(number)

    def _similar(self, number: int, genre: int) -> list[Book]:
        """The five books of the genre that are most alike."""
        shelf = self.shelf(genre)
        own = shelf.vectors[number]

        def distance(other: int) -> float:
            return sum((a - b) ** 2 for a, b in zip(own, shelf.vectors[other]))

        return [shelf.books[n] for n in sorted(shelf.books.keys() - {number}, key=distance)[:5]]

    def _shelf(self, genre: int) -> Shelf:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            books = {
                number: Book(
                    id=number,
                    genre=genre,
                    title=title,
                    year=year,
                    chapters=[
                        Chapter(number=n, title=name, summary=summary)
                        for n, name, summary in connection.execute(
                            "SELECT number, title, summary FROM chapter WHERE book = ? ORDER BY number",
                            (number,),
                        )
                    ],
                )
                for number, title, year in connection.execute(
                    "SELECT id, title, year FROM book WHERE genre = ?", (genre,)
                ).fetchall()
            }
        finally:
            connection.close()
        return Shelf(books, {number: _vector(book) for number, book in books.items()})


def _vector(book: Book) -> array[float]:
    words = " ".join(chapter.summary for chapter in book.chapters).split()
    return array("d", (words.count(word) / len(words) for word in WORDS))
