"""What is told at the end of a run of the tokens that were predicted and billed."""

from io import StringIO
from typing import Any

import pytest

from tunedrop.screen import Screen
from tunedrop.watch import print_end

PREDICTED = {"tokens": 1_000_000, "usd": 1.65, "at_most": False}
BILLED = {"tokens": 1_100_000, "usd": 1.815}


def told(**known: Any) -> str:
    run = {"id": "m-1", "model": "m", "version": 1, "stage": "serving", **known}
    out = StringIO()
    print_end(run, Screen(file=out, width=200))
    return out.getvalue()


@pytest.mark.parametrize(
    ("bill", "line"),
    [
        (
            {"predicted": PREDICTED, "billed": BILLED},
            "1,100,000 ($1.81) billed; 1,000,000 ($1.65) predicted",
        ),
        (
            {"predicted": {**PREDICTED, "at_most": True}, "billed": BILLED},
            "billed; at most 1,000,000 ($1.65) predicted",
        ),
        (
            {"predicted": {**PREDICTED, "usd": None}, "billed": {**BILLED, "usd": None}},
            "1,100,000 (price unknown) billed; 1,000,000 (price unknown) predicted",
        ),
        ({"predicted": None, "billed": BILLED}, "1,100,000 ($1.81) billed\n"),
    ],
)
def test_both_stand_side_by_side(bill: dict[str, Any], line: str) -> None:
    assert line in told(bill=bill)


@pytest.mark.parametrize("known", [{"bill": None}, {}])
def test_nothing_is_told_where_nothing_was_billed_or_by_an_older_app(known: dict[str, Any]) -> None:
    assert "billed" not in told(**known)
