"""What a probe may cost: told first, never more than is allowed, never paid twice."""

from pathlib import Path

import pytest

from shared.catalog import prices
from tests.probe.probed import Probed
from tunedrop.probe.memory import Memory
from tunedrop.probe.price import AREAS, FREE, price, total
from tunedrop.probe.running import pay, run
from tunedrop.probe.session import CannotGoOn


def quiet(area: str) -> None: ...


def paid_for(probed: Probed) -> set[str]:
    """What was made that costs something."""
    return {kind for kind in ("deployment", "model") if probed.made(kind)}


def test_all_of_it_fits_into_a_dollar_and_what_is_free_is_told_so() -> None:
    assert 0 < total(AREAS, "swedencentral") < 1
    assert [price(area, "swedencentral") for area in FREE] == [0.0] * len(FREE)


def test_nothing_that_costs_is_made_where_nothing_is_allowed(probed: Probed, folder: Path) -> None:
    session = probed.session(folder, 0.0, is_live=True)
    run(session, ("deployments", "training"), quiet)
    assert set(session.memory.left_out) == {"deployments", "training"}
    assert "$0.00 is left of --max-usd" in session.memory.left_out["training"]
    assert session.memory.done == []  # a later call that is allowed more asks them
    assert session.memory.spent_usd == 0
    assert paid_for(probed) == set()


def test_it_stops_at_the_ceiling(probed: Probed, folder: Path) -> None:
    session = probed.session(folder, 0.02, is_live=True)
    pay(session, "deployments")
    run(session, ("training",), quiet)
    assert session.memory.left_out == {
        "training": "it may cost $0.02, and $0.01 is left of --max-usd"
    }
    assert session.memory.spent_usd == pytest.approx(0.01)
    assert paid_for(probed) == set()


def test_an_area_is_paid_for_once_however_often_it_is_begun(probed: Probed, folder: Path) -> None:
    session = probed.session(folder, 0.01, is_live=True)
    pay(session, "deployments")
    session.memory.save()
    again = probed.session(folder, 0.01, is_live=True)
    pay(again, "deployments")
    assert again.memory.spent_usd == pytest.approx(0.01)


def test_without_a_price_nothing_is_bought(
    probed: Probed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "ROWS", ())
    session = probed.session(folder, 100.0, is_live=True)
    run(session, ("training",), quiet)
    assert session.memory.left_out == {"training": "no list price is known for it"}
    assert paid_for(probed) == set()


def test_what_is_spent_is_written_down_before_it_is(probed: Probed, folder: Path) -> None:
    session = probed.session(folder, 0.02, is_live=True)
    session.spend(0.015)
    known = Memory.at(session.memory.place, session.memory.resource)
    assert known.spent_usd == pytest.approx(0.015)
    with pytest.raises(CannotGoOn, match=r"may cost \$0.01, and \$0.01 is left"):
        session.spend(0.01)


def test_a_price_is_never_rounded_down() -> None:
    assert price("training", "") == pytest.approx(0.02)


def test_the_emulator_costs_nothing(probed: Probed, folder: Path) -> None:
    session = probed.session(folder)
    session.spend(1000.0)
    assert session.memory.spent_usd == 0
