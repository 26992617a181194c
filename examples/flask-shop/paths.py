"""Paths as customers ask for them, one a line, popular ones more often: `python paths.py [COUNT]`."""

from __future__ import annotations

import random
import sys

from shop.catalogue import CATEGORIES, COLOURS, MATERIALS, PRODUCTS, THINGS


def paths(count: int) -> list[str]:
    """`count` paths, the same each time."""
    chance = random.Random(7)
    found = []
    for _ in range(count):
        kind = chance.random()
        if kind < 0.05:
            found.append("/")
        elif kind < 0.25:
            found.append(f"/category/{chance.randrange(len(CATEGORIES))}")
        elif kind < 0.90:
            popular = min(int(chance.paretovariate(0.5)), PRODUCTS) if chance.random() < 0.5 else 0
            found.append(f"/product/{popular or chance.randrange(1, PRODUCTS + 1)}")
        else:
            found.append(f"/search?q={chance.choice(THINGS + COLOURS)}+{chance.choice(MATERIALS)}")
    return found


if __name__ == "__main__":
    print("\n".join(paths(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)))
