"""`tunedrop cost`: the table of a month, and what it says of a price that is not known."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.model.cost_sheet import CostSheet
from shared.model.costs import Costs, Hosting, ModelCosts, Training
from shared.model.month import Month
from tests.support.moments import after
from tunedrop.__main__ import cli
from tunedrop.app import App

NANO = "gpt-4.1-nano-2025-04-14"
HOUR = timedelta(hours=1)


def hosted(number: int, hours: float, per_hour: float | None = 1.7, ahead: float = 0) -> Hosting:
    return Hosting(number, NANO, "GlobalStandard", hours * HOUR, ahead * HOUR, per_hour)


def trained(run_id: str, **known: Any) -> Training:
    return Training(run_id, NANO, "standard", **{"ended": after(days=1), **known})


PREDICTED = {"predicted": 1_000_000, "predicted_usd": 1.65}
BILLED = {"billed": 1_100_000, "billed_usd": 1.82}


def answer(*models: ModelCosts, ceiling: float = 0.0, region: str = "swedencentral") -> Any:
    costs = Costs(Month(2026, 11), after(days=20), region, models)
    return {**CostSheet(costs, ceiling).as_json(), "problems": []}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the app answers, by `body`; `asked` is what it was asked for."""
    known: dict[str, Any] = {}

    def get(self: App, path: str) -> Mapping[str, Any]:
        known["asked"] = path
        return dict(known["body"])

    monkeypatch.setattr(App, "get", get)
    return known


def cost(*words: str) -> Any:
    return CliRunner().invoke(cli, ["cost", *words, "--app", "https://app"])


def test_each_model_has_a_line_and_all_together_one(app: dict[str, Any]) -> None:
    app["body"] = answer(
        ModelCosts("captain", (hosted(1, 100.5, ahead=240),), (trained("c-1", **BILLED),)),
        ModelCosts("tickets", (hosted(1, 10),)),
    )
    lines = cost().output.splitlines()
    assert lines[0].startswith("2026-11 until 2026-11-21 00:00 UTC, at the list prices of 2026-")
    assert lines[0].endswith(", swedencentral")
    assert [line.split() for line in lines[2:6]] == [
        ["model", "hours", "hosting", "training", "so", "far", "by", "its", "end"],
        ["captain", "100:30", "$170.85", "$1.82", "$172.67", "$580.67"],
        ["tickets", "10:00", "$17.00", "$0.00", "$17.00", "$17.00"],
        ["all", "110:30", "$187.85", "$1.82", "$189.67", "$597.67"],
    ]
    assert len({len(line) for line in lines[2:6]}) == 1, "figures stand below each other"
    assert "$1.70 an hour for what is deployed now" in lines
    assert app["asked"] == "api/cost?"


def test_a_price_that_is_not_known_is_said_and_never_nothing(app: dict[str, Any]) -> None:
    app["body"] = answer(
        ModelCosts("one", (hosted(1, 10, None),)),
        ModelCosts("two", (hosted(1, 10), hosted(2, 1.5, None)), (trained("two-1", lost=True),)),
    )
    said = cost().output
    one, two = (line for line in said.splitlines() if line[:3] in ("one", "two"))
    assert one.split()[1:] == ["10:00", "unknown", "$0.00", "unknown", "unknown"]
    assert "$17.00 + unknown" in two
    assert f"No price is known for hosting two@2 ({NANO} as GlobalStandard): its 1:30 hours" in said
    assert "A job of run two-1 ended without a model" in said


def test_a_model_is_shown_with_its_parts(app: dict[str, Any]) -> None:
    app["body"] = answer(
        ModelCosts(
            "m",
            (hosted(1, 10, None), hosted(2, 2, ahead=240)),
            (
                trained("m-1", **BILLED, **PREDICTED, at_most=True),
                trained("m-2", **PREDICTED, ended=None),
                trained("m-3", **PREDICTED, lost=True),
                trained("m-4"),
            ),
        )
    )
    said = cost("m", "--month", "2026-11").output
    assert app["asked"] == "api/cost?model=m&month=2026-11"
    assert f"m@1  {NANO} as GlobalStandard, price unknown\n  10:00 hours, unknown; not dep" in said
    assert f"m@2  {NANO} as GlobalStandard, $1.70 an hour\n  2:00 hours, $3.40; deployed" in said
    predicted = "1,000,000 tokens ($1.65) predicted"
    assert f"  1,100,000 tokens ($1.82) billed; at most {predicted}" in said
    assert f"  {predicted}; under way" in said
    assert f"  {predicted}; ended without a model" in said
    assert "  nothing is known of what it costs" in said
    assert "The service has not told what the job of run m-4 was billed for." in said


def test_a_month_of_nothing_and_an_unknown_region_are_said(app: dict[str, Any]) -> None:
    app["body"] = answer(region="")
    assert "nothing was hosted or trained" in cost().output
    app["body"] = answer(ModelCosts("m", (hosted(1, 1),)), region="")
    assert "The account's region is not known" in cost().output


def test_a_ceiling_is_told_where_it_would_be_passed(app: dict[str, Any]) -> None:
    models = (ModelCosts("m", (hosted(1, 100, ahead=240),)),)  # 170 USD, 578 by its end
    app["body"] = answer(*models, ceiling=578.0)
    assert "TUNEDROP_MONTHLY_HOSTING_CEILING" not in cost().output
    app["body"] = answer(*models, ceiling=340.0)
    said = cost().output
    assert "Hosting has cost $170.00 in 2026-11 (UTC) and comes to $578.00 by its end" in said
    assert "allows $340.00, which is passed at 2026-11-25 04:00 UTC then." in said
    app["body"] = answer(*models, ceiling=169.99)
    assert "$170.00 in 2026-11 (UTC), more than the $169.99 that TUNEDROP_MONTHLY" in cost().output


def test_it_is_json_for_programs_with_what_could_not_be_read(app: dict[str, Any]) -> None:
    app["body"] = {
        **answer(),
        "problems": [{"message": "x cannot be read.", "fix": "Put it back."}],
    }
    said = cost("--json")
    assert json.loads(said.stdout) == app["body"]
    assert said.stderr == ""
    assert cost().stderr == "x cannot be read. Put it back.\n"


@pytest.mark.parametrize("body", [{}, {"month": "2026-11"}, {"error": {"message": "no route"}}])
def test_an_app_that_knows_no_costs_is_told(app: dict[str, Any], body: dict[str, Any]) -> None:
    app["body"] = body
    said = cost()
    assert said.exit_code == 3
    assert "does not tell costs in a way that this tool knows" in said.stderr
