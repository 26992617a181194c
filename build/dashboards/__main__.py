"""Writes the dashboards: python3 build/dashboards [FOLDER], deploy/dashboards when no folder is given."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fleet
import operator_board
import pool


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, board in {
        "fleet": fleet.board(),
        "pool": pool.board(),
        "operator": operator_board.board(),
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(board.json(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(*sys.argv[1:]) if sys.argv[1:] else Path(__file__).parents[2] / "deploy/dashboards")
