"""The dashboard and the alert rules speak of metrics and labels that there are, and of all of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.metrics_table import COUNTER, HISTOGRAM, METRICS, Metric

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
RULES = (DEPLOY / "prometheus" / "alerts.yml").read_text()
OPERATE = (DEPLOY.parent / "docs" / "operate.md").read_text()
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "gatehouse.json").read_text())
TABLE = {metric.name: metric for metric in METRICS}
# What Prometheus adds, and a histogram's own.
ALWAYS = {"job", "instance", "le"}
BLOCKS = {block.split("\n")[0].strip(): block for block in RULES.split("- alert:")[1:]}
EXPRESSIONS = {name: re.search(r"expr:(.*?)\n +(?:for|labels):", block, re.DOTALL) for name, block in BLOCKS.items()}


def targets() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what each panel shows, with the panel's title."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target


def used_in(expression: str) -> dict[str, tuple[Metric, set[str]]]:
    """Return the metrics in an expression, each with the labels by which it is chosen."""
    used: dict[str, tuple[Metric, set[str]]] = {}
    for name, chosen in re.findall(r"\b(gatehouse_\w+)(\{[^}]*\})?", expression):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        metric = TABLE[name] if name in TABLE else TABLE[base]
        assert (name == base) == (metric.kind != HISTOGRAM), f"{name} is no series of a {metric.kind}"
        used[name] = (metric, set(re.findall(r"(\w+)\s*[=!]~?", chosen)))
    return used


def assert_known(expression: str, shown: str) -> None:
    """Check every metric and label of an expression, and the labels in what is shown of it."""
    metrics = used_in(expression)
    for metric, labels in metrics.values():
        assert labels <= {*metric.labels, *ALWAYS}, (expression, labels)
        if metric.kind == COUNTER:
            assert re.search(rf"(rate|increase)\({metric.name}", expression), f"{metric.name} only grows"
    known = {label for metric, _ in metrics.values() for label in metric.labels} | ALWAYS
    grouped = {label for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression) for label in group.split(", ")}
    assert grouped <= known, expression
    told = set(re.findall(r"\$labels\.(\w+)", shown)) | set(re.findall(r"\{\{(\w+)\}\}", shown))
    assert told <= (grouped or known), (expression, told)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_rule_is_about_something(name: str) -> None:
    found = EXPRESSIONS[name]
    assert found and ("gatehouse_" in found[1] or "up{" in found[1])
    assert_known(found[1], BLOCKS[name])
    for part in ("severity:", "summary:", "description:"):
        assert part in BLOCKS[name]


@pytest.mark.parametrize(("title", "target"), list(targets()))
def test_a_panel_shows_something(title: str, target: dict[str, str]) -> None:
    assert_known(target["expr"], target["legendFormat"])


def test_the_dashboard_can_be_imported() -> None:
    assert DASHBOARD["schemaVersion"] >= 36 and DASHBOARD["title"] and DASHBOARD["uid"]
    variables = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "job": "query"}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24 and panel["datasource"]["uid"] == "${datasource}" and panel["description"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_each_metric_is_documented_and_shown(metric: Metric) -> None:
    assert metric.help.endswith(".") and len(metric.help) > 20
    assert metric.name.endswith("_total") == (metric.kind == COUNTER)
    assert bool(metric.buckets) == (metric.kind == HISTOGRAM)
    assert any(metric.name in target["expr"] for _, target in targets())


def test_what_an_operator_must_be_woken_for_has_a_rule() -> None:
    text = "".join(found[1] for found in EXPRESSIONS.values() if found)
    unwatched = {metric.name for metric in METRICS if metric.name not in text}
    assert unwatched == {"gatehouse_build_info", "gatehouse_sessions"}


def test_the_docs_tell_whom_to_wake_for_what() -> None:
    critical = {name for name, block in BLOCKS.items() if "severity: critical" in block}
    assert set(re.findall(r"^\| `(Gatehouse\w+)`", OPERATE, re.MULTILINE)) == critical
    for name, minutes in re.findall(r"^\| `(\w+)` \|.* (\d+) minutes \|$", OPERATE, re.MULTILINE):
        assert f"for: {minutes}m\n" in BLOCKS[name]
    assert "> 7200" in BLOCKS["GatehouseHousekeepingStale"] and "<= 14" in BLOCKS["GatehouseCredentialExpires"]
