"""What pages show, computed on first use and kept: the memory that makes a worker fast, and large."""

from __future__ import annotations

import functools
import sqlite3
import threading
from array import array
from dataclasses import dataclass
from operator import mul

from flask import render_template

from .catalogue import CATEGORIES, VOCABULARY

SIMILAR = 8


@dataclass
class Category:
    """Everything about a category that costs something to make."""

    listing: str
    """Its products by price, as HTML."""
    sheets: dict[int, str]
    """The data sheet of each product, as HTML."""
    names: dict[int, str]
    vectors: dict[int, array[float]]
    """How often each word of the vocabulary occurs in a product's text, scaled to length 1."""


class Views:
    """The caches of one process. They grow with the categories, products and words that were asked for."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._categories: dict[int, Category] = {}
        self._building = threading.Lock()
        self.similar = functools.lru_cache(maxsize=None)(self._similar)
        self.having = functools.lru_cache(maxsize=1000)(self._having)

    def category(self, number: int) -> Category:
        """A category; all its products are looked at the first time."""
        category = self._categories.get(number)
        if category is None:
            with self._building:
                category = self._categories.get(number) or self._make(number)
                self._categories[number] = category
        return category

    def search(self, words: list[str]) -> list[tuple[int, str, int]]:
        """Number, name and price (in cents) of the products that have all these words in their text."""
        found = [self.having(word) for word in words]
        common = set.intersection(*map(set, found)) if found else set()
        return [found[0][number] for number in sorted(common)]

    def _similar(self, number: int) -> list[tuple[int, str, int]]:
        """The products of the same category whose texts are most alike: number, name, likeness in percent."""
        category = self.category(number % len(CATEGORIES))
        own = category.vectors[number]
        alike = [
            (round(100 * sum(map(mul, own, vector))), other)
            for other, vector in category.vectors.items()
            if other != number
        ]
        return [
            (other, category.names[other], percent)
            for percent, other in sorted(alike, reverse=True)[:SIMILAR]
        ]

    def _make(self, number: int) -> Category:
        rows = self._rows(
            "SELECT id, name, text, price FROM product WHERE category = ? ORDER BY price", number
        )
        products = [_product(*row) for row in rows]
        return Category(
            render_template("listing.html", products=products),
            {product["number"]: render_template("sheet.html", product=product) for product in products},
            {product["number"]: product["name"] for product in products},
            {product["number"]: product["vector"] for product in products},
        )

    def _having(self, word: str) -> dict[int, tuple[int, str, int]]:
        """The products that have this word in their text, by number."""
        query = "SELECT id, name, price FROM product WHERE ' ' || text || ' ' LIKE ?"
        return {row[0]: row for row in self._rows(query, f"% {word} %")}

    def _rows(self, query: str, *arguments: object) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            return connection.execute(query, arguments).fetchall()
        finally:
            connection.close()


def _product(number: int, name: str, text: str, price: int) -> dict[str, object]:
    words = text.split()
    counts = [words.count(word) for word in VOCABULARY]
    length = sum(count * count for count in counts) ** 0.5
    return {
        "number": number,
        "name": name,
        "price": price / 100,
        "text": text,
        "vector": array("d", (count / length for count in counts)),
        "variants": [(word, (price + 100 * n) / 100) for n, word in enumerate(sorted(set(words)))],
    }
