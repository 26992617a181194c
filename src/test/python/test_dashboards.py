"""K8S-07: Grafana itself is not here, but the types it publishes are. What they do not know, it does not show."""

import json
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

DASHBOARDS = Path(__file__).parents[3] / "deploy/dashboards"

# Known to Grafana and not to these types.
ELSEWHERE = {
    # The Prometheus data source's part of an annotation.
    "annotations.list.step",
    "annotations.list.titleFormat",
    "annotations.list.textFormat",
    "annotations.list.tagKeys",
    "annotations.list.useValueForTime",
    # The Prometheus data source's part of a variable; and that there is no value for all.
    "templating.list.definition",
    "templating.list.allValue",
    # Newer than the types.
    "panels.options.wideLayout",
    "panels.options.showPercentChange",
    # Written only when it is true.
    "panels.fieldConfig.defaults.custom.spanNulls",
}


def lost(before: Any, after: Any, path: str = "") -> set[str]:
    """The fields of `before` that are another thing in `after`, or nothing."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: set[str] = set()
        for name, value in before.items():
            field = f"{path}.{name}".lstrip(".")
            found |= lost(value, after[name], field) if name in after else {field}
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return {field for one, other in zip(before, after) for field in lost(one, other, path)}
    return set() if before == after else {path}


@pytest.mark.parametrize("name", ["fleet", "operator", "pool"])
def test_grafana_knows_every_field(name: str) -> None:
    """A field of another name or in another place would be left out without a word."""
    plugins.register_default_plugins()
    board = json.loads((DASHBOARDS / f"{name}.json").read_text())
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    assert lost(board, again) <= ELSEWHERE


def test_what_grafana_does_not_know_is_found() -> None:
    """That the test before this one can fail."""
    plugins.register_default_plugins()
    board = json.loads((DASHBOARDS / "pool.json").read_text())
    panel = next(each for each in board["panels"] if each["type"] == "stat")
    panel["options"]["colourMode"] = "background"
    panel["fieldConfig"]["defaults"]["treshold"] = {"steps": []}
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    assert lost(board, again) - ELSEWHERE == {
        "panels.options.colourMode",
        "panels.fieldConfig.defaults.treshold",
    }
