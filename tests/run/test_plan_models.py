"""Which of the account's models a plan is about, and what the account says of it against the table.
The rules alone, without any run."""

from dataclasses import replace
from typing import Any

import pytest

from shared.cloud.offers import Offers, Quota, offered_quotas
from shared.run.answers import Says
from tests.support.offered import NANO, OFFERS, answer, entry, of, offering, told


def versions(*of: tuple[str, str, dict[str, Any]]) -> Offers:
    """A model without a date in its name, in several versions: number, lifecycle, capabilities."""
    return offering(
        *(
            entry("gpt-oss-20b", number, ("GlobalStandard",), lifecycle, None, capabilities=able)
            for number, lifecycle, able in of
        )
    )


TUNABLE, CHAT_ONLY = {"fineTune": "true"}, {"fineTune": "false"}


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(
    "other", [("1", "Deprecated", TUNABLE), ("1", "GenerallyAvailable", CHAT_ONLY), ("1", "", {})]
)
def test_of_several_versions_the_open_and_tunable_one_is_meant(
    other: tuple[str, str, dict[str, Any]], turn: int
) -> None:
    both = [("11", "GenerallyAvailable", TUNABLE), other]
    assert not of("base_model: gpt-oss-20b", versions(*both[::turn])).refusals


@pytest.mark.parametrize("turn", [1, -1])
def test_with_a_version_exactly_that_is_meant(turn: int) -> None:
    both = [("11", "GenerallyAvailable", TUNABLE), ("1", "Deprecated", TUNABLE)]
    found = of("base_model: gpt-oss-20b-1", versions(*both[::turn]))
    assert [said.id for said in found.refusals] == ["lifecycle"]
    assert not of("base_model: gpt-oss-20b-11", versions(*both[::turn])).refusals


def test_what_the_account_says_of_training_types_counts_in_its_region_too() -> None:
    known = entry("gpt-4.1-nano", "2025-04-14")
    known["finetuneCapabilities"]["supportedTrainingTypes"] = "standard,globalStandard"
    account = replace(offering(known), location=told("eastus2"))
    found = of("training_type: standard", account)
    assert not found.refusals
    assert answer(found, "region").says is Says.YES
    known["finetuneCapabilities"]["supportedTrainingTypes"] = "globalStandard"
    account = replace(offering(known), location=told("eastus2"))
    assert [a.id for a in of("training_type: standard", account).refusals] == ["training-type"]


# ---- answers that are odd


@pytest.mark.parametrize("limit", [float("inf"), float("nan"), -1, None, "many", 10**400])
def test_a_limit_that_is_none_is_not_known(limit: Any) -> None:
    """-1 is what some counters of Azure say where there is no limit."""
    usage = "OpenAI.GlobalStandard.gpt-4.1-nano-finetune"
    counters = offered_quotas([{"name": {"value": usage}, "limit": limit, "currentValue": 3}])
    said = answer(of("", replace(OFFERS, quotas=told(counters))), "quota")
    assert said.says is Says.UNKNOWN


def test_what_is_used_or_blocked_is_read_whatever_else_is_odd() -> None:
    blocked = {"name": {"value": "b"}, "limit": -1, "status": "Blocked"}
    used = {"name": {"value": "u"}, "limit": 9, "currentValue": float("nan")}
    assert offered_quotas([blocked, used]) == {"b": Quota(0, 0, blocked=True), "u": Quota(0, 9)}


@pytest.mark.parametrize("odd", [float("inf"), float("nan"), -1, 0, None, "x"])
def test_a_capacity_that_is_none_stops_nothing(odd: Any) -> None:
    known = entry("gpt-4.1-nano", "2025-04-14")
    for sku in known["skus"]:
        sku["capacity"] = {"minimum": odd, "maximum": odd, "step": odd, "allowedValues": [odd]}
    assert answer(of("", offering(known)), "quota").says is Says.YES


@pytest.mark.parametrize("word", [None, "", "perhaps"])
def test_whether_it_can_be_tuned_is_not_known_where_nothing_is_said(word: Any) -> None:
    known = entry("gpt-4.1-nano", "2025-04-14", methods=None, capabilities={"fineTune": word})
    assert not of("", offering(known)).refusals


# ---- what is offered instead, and what the table knows


def test_an_account_without_another_model_is_not_told_to_choose_one() -> None:
    said = answer(of("", replace(OFFERS, models=told(()))), "model")
    assert (said.says, said.options) == (Says.NO, ())
    assert "Choose" not in said.instead


def test_a_model_that_takes_nobody_new_is_not_known_to_be_open() -> None:
    for name, says in (("gpt-4o-mini-2024-07-18", Says.UNKNOWN), (NANO, Says.YES)):
        assert answer(of(f"base_model: {name}", Offers()), "lifecycle").says is says
