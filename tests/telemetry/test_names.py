"""Names that others rely on: alerts, pages, and the code that measures."""

import ast
import json
import re
from pathlib import Path

import pytest

from shared.telemetry import METRICS, measure, root_of

MEASURE = ("measure", "telemetry.measure")
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/observability.md").read_text(encoding="utf-8")


def named(text: str) -> set[str]:
    return set(re.findall(r"\btunedrop\.[a-z_]+(?:\.[a-z_]+)*", text))


def measured() -> list[tuple[str, set[str]]]:
    """Every call of `measure` in shared/: the name and the attributes."""
    calls = []
    for source in (ROOT / "shared").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in MEASURE:
                name = ast.literal_eval(node.args[0])
                calls.append((str(name), {str(word.arg) for word in node.keywords}))
    return calls


def test_alerts_ask_for_metrics_and_attributes_that_there_are() -> None:
    for rule in json.loads((ROOT / "infra/alerts.json").read_text(encoding="utf-8")):
        if rule["query"].startswith("_LogOperation "):
            continue  # the workspace's own table
        (name,) = re.findall(r"Name == '([^']+)'", rule["query"])
        assert name in METRICS
        assert set(re.findall(r"Properties\.(\w+)", rule["query"])) <= set(METRICS[name].by.split())


def test_every_metric_is_measured_somewhere_and_as_it_is_described() -> None:
    assert {name for name, _ in measured()} == set(METRICS)
    for name, attributes in measured():
        assert attributes == set(METRICS[name].by.split()), name


def test_the_page_has_the_metrics_and_no_others() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    assert named(PAGE) | named(runbook) == set(METRICS)


def test_a_metric_that_nobody_described_is_an_error_even_where_nothing_is_sent() -> None:
    with pytest.raises(KeyError):
        measure("tunedrop.unheard-of")


def test_a_runs_trace_follows_from_its_id_alone() -> None:
    first, again, other = root_of("captain-1"), root_of("captain-1"), root_of("captain-2")
    assert (first.trace_id, first.span_id) == (again.trace_id, again.span_id)
    assert first.trace_id != other.trace_id
    assert first.is_valid
