"""Tables: one query a column, joined by their labels."""

from __future__ import annotations

from typing import Any

from grafana import Json, override, panel, rows, steps


def column(
    title: str, unit: str, expr: str, thresholds: Json | None = None, **properties: Any
) -> tuple[Json, Json]:
    """A column of a table: its query, and how it looks. The letter of its query is known to the table only."""
    looks: Json = {"unit": unit, **properties}
    if thresholds:
        looks |= {"thresholds": thresholds, "custom__cellOptions": {"type": "color-text"}}
    return rows(expr), {"title": title, **looks}


def table(
    title: str,
    description: str,
    names: dict[str, str],
    columns: list[tuple[Json, Json]],
    sort: str,
    falling: bool = True,
    overrides: list[Json] | None = None,
) -> Json:
    """One row for each combination of the labels in `names`, which say their headings; sorted by one column."""
    titles = {f"Value #{chr(ord('A') + index)}": looks["title"] for index, (_, looks) in enumerate(columns)}
    if len(columns) == 1:
        titles = {"Value": columns[0][1]["title"]}  # Grafana gives it a letter only beside others
    shown = [
        override("byName", looks["title"], **{k: v for k, v in looks.items() if k != "title"})
        for _, looks in columns
    ]
    drawn = panel(
        "table",
        title,
        description,
        [asked for asked, _ in columns],
        {
            "unit": "none",
            "color": {"mode": "thresholds"},
            "thresholds": steps("text"),
            "mappings": [],
            "noValue": "-",
            "custom": {
                "align": "auto",
                "cellOptions": {"type": "auto"},
                "filterable": True,
                "inspect": False,
            },
            "overrides": shown + (overrides or []),
        },
        {
            "showHeader": True,
            "cellHeight": "sm",
            "sortBy": [{"displayName": sort, "desc": falling}],
            "footer": {
                "show": False,
                "enablePagination": True,
                "reducer": ["sum"],
                "countRows": False,
                "fields": "",
            },
        },
    )
    order = [*names, *titles]
    drawn["transformations"] = [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True},
                "indexByName": {name: index for index, name in enumerate(order)},
                "renameByName": names | titles,
            },
        },
    ]
    return drawn
