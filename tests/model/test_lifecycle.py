"""What the list of models says of the ends of each model's base."""

from datetime import UTC, date, datetime

import pytest

from shared.cloud.offers import Known, OfferedModel, Offers
from shared.model.lifecycle import lifecycle
from shared.model.registry import Model, Version

AT = datetime(2026, 11, 4, tzinfo=UTC)


def version(number: int, base: str) -> Version:
    return Version(
        version=number,
        run_id=f"m-{number}",
        base_model=base,
        fine_tuned_model=f"{base}.ft-{number}",
        sku="GlobalStandard",
        capacity=1,
        created_at=AT,
        dropped_at=AT,
    )


OLD, NEW = version(1, "gpt-4.1-2025-04-14"), version(2, "gpt-oss-20b")


def test_it_is_the_champions_base_that_counts() -> None:
    model = Model(name="m", champion=1, versions=(OLD, NEW))
    told = lifecycle(model, date(2027, 4, 7))
    assert told
    assert told["base_model"] == OLD.base_model
    assert (told["training_ends"], told["base_ends"]) == ("2027-04-14", "2027-04-14")
    assert told["deployments_end"] == "2027-10-14"
    assert [(e["what"], e["level"], e["days"]) for e in told["endings"]] == [
        ("training", "urgent", 7),
        ("base", "urgent", 7),
    ]
    promoted = lifecycle(model.replace(champion=2), date(2027, 4, 7))
    assert promoted
    assert (promoted["base_model"], promoted["endings"]) == (NEW.base_model, [])


def test_a_cure_is_one_for_the_method_that_the_version_was_trained_with() -> None:
    by_dpo = Model(name="m", champion=1, versions=(OLD.replace(method="dpo"),))
    for model, cured in ((by_dpo, False), (Model(name="m", champion=1, versions=(OLD,)), True)):
        told = lifecycle(model, date(2027, 4, 7))
        assert told
        assert [bool(ending["cure"]) for ending in told["endings"]] == [cured, cured]


def test_what_the_account_has_told_stands_above_the_table_with_its_day() -> None:
    asked, today = date(2027, 4, 6), date(2027, 4, 7)
    later = date(2028, 4, 14)
    entry = OfferedModel(
        "gpt-4.1", "gpt-4.1-2025-04-14", training_ends=date(2027, 4, 9), ends=later
    )
    other = OfferedModel("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", training_ends=later, ends=later)
    model = Model(name="m", champion=1, versions=(OLD,))
    told = lifecycle(model, today, Offers(models=Known((other, entry))), asked)
    assert told
    assert (told["training_ends"], told["base_ends"]) == ("2027-04-09", "2028-04-14")
    assert told["deployments_end"] == "2027-10-14", "of which the account says nothing"
    (ending,) = told["endings"]
    assert (ending["what"], ending["days"], ending["known_on"]) == ("training", 2, "2027-04-06")
    untold = lifecycle(model, today, Offers(models=Known((other,))), asked)
    assert untold
    assert untold["endings"][0]["known_on"] == "2026-10-05"


def test_without_a_champion_the_newest_version_counts_and_without_any_nothing() -> None:
    told = lifecycle(Model(name="m", versions=(OLD, NEW)), date(2027, 4, 7))
    assert told
    assert told["base_model"] == NEW.base_model
    assert lifecycle(Model(name="m"), date(2027, 4, 7)) is None


@pytest.mark.parametrize("base", ["gpt-99", "gpt-4.1-2025-04-14.ft-0123-x"])
def test_a_base_that_is_tuned_itself_has_its_bases_ends_and_an_unknown_one_none(base: str) -> None:
    told = lifecycle(Model(name="m", champion=1, versions=(version(1, base),)), date(2027, 10, 14))
    assert told
    if base == "gpt-99":
        assert (told["training_ends"], told["endings"]) == (None, [])
    else:
        assert [e["what"] for e in told["endings"]] == ["training", "base", "deployments"]
