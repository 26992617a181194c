"""Puts the table of a chart's values into its README: values_readme.py CHART.

The table stands between two marks in README.md and is made of values.yaml: a key, its default, and the
comment right above it. A comment that begins with "-- " is a heading. A key without a comment is an error,
unless its parent has one.
"""

import re
import sys
from pathlib import Path

KEY = re.compile(r"^( *)([A-Za-z0-9_-]+): *(.*)$")
BEGIN, END = "<!-- values: made by make generate -->\n", "<!-- /values -->\n"


def table(yaml: str) -> str:
    """The rows of all keys, in the file's order, under its headings."""
    out: list[str] = []
    path: list[str] = []
    explained: list[bool] = []
    comment: list[str] = []
    for line in yaml.splitlines():
        text = line.strip()
        if text.startswith("# -- "):
            out += ["", f"**{text[5:]}**", "", "| value | default | what it is |", "|---|---|---|"]
        elif text.startswith("#"):
            comment.append(text[1:].strip())
        elif found := KEY.match(line):
            depth = len(found[1]) // 2
            path[depth:] = [found[2]]
            explained[depth:] = [bool(comment)]
            if not any(explained) and found[3]:
                sys.exit(f"values.yaml: {'.'.join(path)} has no comment above it")
            if comment or found[3]:
                default = f"`{found[3]}`" if found[3] else ""
                out.append(f"| `{'.'.join(path)}` | {default} | {' '.join(comment)} |".replace("|  |", "| |"))
            comment = []
        else:
            comment = []  # the file's own, before the first empty line
    return "\n".join(out[1:]) + "\n"


def main() -> None:
    chart = Path(sys.argv[1])
    readme = chart / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rows = table((chart / "values.yaml").read_text(encoding="utf-8"))
    readme.write_text(before + BEGIN + "\n" + rows + "\n" + END + after, encoding="utf-8")


main()
