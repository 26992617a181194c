"""The shapes of Grafana's dashboard JSON that our dashboards use, and no other.

Every panel needs a description and a unit, so both are arguments without a default.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}

# Grafana 12's. Older ones read it as well: what 40 and 41 changed is not used here.
SCHEMA = 41


def query(expr: str, legend: str = "") -> Json:
    """A series over the whole time range."""
    return {
        "expr": " ".join(expr.split()),
        "legendFormat": legend or "__auto",
        "range": True,
        "instant": False,
    }


def now(expr: str, legend: str = "") -> Json:
    """A number as of the end of the time range."""
    return query(expr, legend) | {"range": False, "instant": True}


def rows(expr: str) -> Json:
    """The same for a table: the labels become columns."""
    return now(expr) | {"format": "table"}


def steps(first: str, *others: tuple[float, str]) -> Json:
    """The first colour holds from below, each other one from its number on."""
    return {
        "mode": "absolute",
        "steps": [{"color": first, "value": None}, *({"color": c, "value": v} for v, c in others)],
    }


NO_JUDGEMENT = steps("blue")


def words(meaning: dict[int, tuple[str, str]], nan: str = "") -> list[Json]:
    """Numbers that are states, each with its word and its colour; and what it means that there is no number."""
    mappings: list[Json] = []
    if meaning:
        options = {
            str(number): {"index": index, "text": text, "color": color}
            for index, (number, (text, color)) in enumerate(meaning.items())
        }
        mappings.append({"type": "value", "options": options})
    if nan:
        result = {"index": len(meaning), "text": nan, "color": "text"}
        mappings.append({"type": "special", "options": {"match": "null+nan", "result": result}})
    return mappings


def override(matcher: str, what: str, **properties: Any) -> Json:
    """Other properties for some fields; two underscores in a name stand for a dot."""
    return {
        "matcher": {"id": matcher, "options": what},
        "properties": [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()],
    }


def panel(kind: str, title: str, description: str, queries: list[Json], field: Json, options: Json) -> Json:
    """What all panels have."""
    overrides = field.pop("overrides", [])
    targets = [
        {"refId": chr(ord("A") + index), "datasource": SOURCE, "editorMode": "code"} | each
        for index, each in enumerate(queries)
    ]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": field, "overrides": overrides},
        "options": options,
    }


def stat(
    title: str,
    unit: str,
    description: str,
    *queries: Json,
    thresholds: Json = NO_JUDGEMENT,
    text: str = "auto",
    graph: bool = True,
    **field: Any,
) -> Json:
    """One number, coloured by what it means; `text` is Grafana's textMode."""
    judged = thresholds is not NO_JUDGEMENT
    return panel(
        "stat",
        title,
        description,
        list(queries),
        {"unit": unit, "color": {"mode": "thresholds"}, "thresholds": thresholds, "mappings": [], **field},
        {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "background_solid" if judged else "value",
            "graphMode": "area" if graph else "none",
            "textMode": text,
            "justifyMode": "auto",
            "orientation": "auto",
            "wideLayout": True,
            "showPercentChange": False,
        },
    )


def series(
    title: str,
    unit: str,
    description: str,
    *queries: Json,
    stacked: bool = False,
    legend: str = "list",
    **field: Any,
) -> Json:
    """Lines over time; `legend` is `table` where there are many, with the last and the highest value."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if "thresholds" in field else "off"},
    }
    shown = {"displayMode": legend, "placement": "bottom", "showLegend": True, "calcs": []}
    if legend == "table":
        shown |= {"placement": "right", "calcs": ["lastNotNull", "max"]}
    return panel(
        "timeseries",
        title,
        description,
        list(queries),
        {"unit": unit, "min": 0, "color": {"mode": "palette-classic"}, "custom": custom, **field},
        {"legend": shown, "tooltip": {"mode": "multi", "sort": "desc"}},
    )


def timeline(title: str, unit: str, description: str, *queries: Json, overrides: list[Json]) -> Json:
    """States over time, in words."""
    return panel(
        "state-timeline",
        title,
        description,
        list(queries),
        {
            "unit": unit,
            "color": {"mode": "thresholds"},
            "thresholds": NO_JUDGEMENT,
            "custom": {"lineWidth": 0, "fillOpacity": 80, "spanNulls": False},
            "mappings": [],
            "overrides": overrides,
        },
        {
            "mergeValues": True,
            "showValue": "auto",
            "alignValue": "left",
            "rowHeight": 0.9,
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def variable(name: str, label: str, values: str, many: bool = False) -> Json:
    """A choice among the values of a label: `label_values(metric, label)`."""
    chosen = {"selected": True, "text": ["All"], "value": ["$__all"]} if many else {}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": values,
        "query": {"query": values, "refId": name},
        "refresh": 2,  # when the time range changes: an old pool is found in its own time
        "sort": 1,
        "multi": many,
        "includeAll": many,
        "allValue": ".+" if many else None,
        "current": chosen,
        "options": [],
        "regex": "",
        "hide": 0,
        "skipUrlSync": False,
    }


def mark(name: str, color: str, expr: str, text: str) -> Json:
    """A vertical line at each moment at which the query, asked every minute, is not 0."""
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": " ".join(expr.split()),
        "step": "60s",
        "titleFormat": name,
        "textFormat": text,
        "tagKeys": "",
        "useValueForTime": False,
    }


class Board:
    """A dashboard; panels stand beside each other until the 24 columns are full."""

    def __init__(
        self, uid: str, title: str, description: str, variables: list[Json], marks: list[Json]
    ) -> None:
        self.uid, self.title, self.description = uid, title, description
        self.variables, self.marks = variables, marks
        self.panels: list[Json] = []
        self.x = self.y = self.height = 0

    def _break(self) -> None:
        self.x, self.y, self.height = 0, self.y + self.height, 0

    def add(self, width: int, height: int, *panels: Json) -> None:
        """Panels of one size."""
        for each in panels:
            if self.x + width > 24:
                self._break()
            place = {"h": height, "w": width, "x": self.x, "y": self.y}
            self.panels.append({"id": len(self.panels) + 1, "gridPos": place} | each)
            self.x += width
            self.height = max(self.height, height)

    def row(self, title: str) -> None:
        """A heading; what follows can be folded away below it."""
        self._break()
        self.add(24, 1, {"type": "row", "title": title, "collapsed": False, "panels": []})
        self._break()

    def json(self) -> Json:
        source = {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "refresh": 1,
            "multi": False,
            "includeAll": False,
            "current": {},
            "options": [],
            "regex": "",
            "hide": 0,
            "skipUrlSync": False,
        }
        link = {
            "title": "Refork",
            "type": "dashboards",
            "tags": ["refork"],
            "asDropdown": False,
            "icon": "external link",
            "includeVars": True,
            "keepTime": True,
            "targetBlank": False,
            "tooltip": "",
            "url": "",
        }
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["refork"],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "browser",
            "weekStart": "",
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timepicker": {},
            "links": [link],
            "annotations": {"list": self.marks},
            "templating": {"list": [source, *self.variables]},
            "panels": self.panels,
        }
