"""The data: made by this program, the same each time, so the example needs no download."""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile

PRODUCTS = 6000


def _words(text: str) -> list[str]:
    return text.split()


MATERIALS = _words(
    "oak ash beech birch walnut linen cotton wool felt cork glass steel brass copper slate clay"
)
THINGS = _words(
    "table chair bench shelf lamp vase bowl plate cup jug tray box basket rug curtain cushion blanket towel apron clock"
    " mirror frame hook rack stool desk bed cabinet drawer ladder"
)
STYLES = _words(
    "small large round square folding stacking hanging standing plain painted oiled woven turned pressed"
)
COLOURS = _words("red green blue white black grey yellow brown orange violet natural")
GROUPS = _words("furniture kitchen bath garden office nursery hall workshop table bed")
CATEGORIES = [f"{material} {group}" for material in MATERIALS for group in GROUPS]

VOCABULARY = sorted({*STYLES, *MATERIALS, *THINGS, *COLOURS})


def make_database() -> str:
    """Write the products into a new SQLite file; returns its path."""
    chance = random.Random(20_26)
    path = os.path.join(tempfile.mkdtemp(prefix="shop-"), "shop.sqlite")
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE product"
        " (id INTEGER PRIMARY KEY, category INTEGER, name TEXT, text TEXT, price INTEGER, stock INTEGER)"
    )
    rows = []
    for number in range(1, PRODUCTS + 1):
        category = number % len(CATEGORIES)
        words = chance.choice(STYLES), CATEGORIES[category].split()[0], chance.choice(THINGS)
        text = " ".join(chance.choice(VOCABULARY) for _ in range(36))
        rows.append(
            (number, category, " ".join(words), text, chance.randrange(500, 90_000), chance.randrange(50))
        )
    connection.executemany("INSERT INTO product VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("CREATE INDEX by_category ON product (category)")
    connection.commit()
    connection.close()
    return path
