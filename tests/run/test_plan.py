"""What the account says to a run before it is paid for: every question, with what is offered
instead. The rules alone, without any run."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.catalog import facts
from shared.cloud.offers import Jobs, Offers
from shared.run.answers import Says
from shared.run.plan import QUESTIONS
from tests.support.offered import (
    ENTRIES,
    MINI_4O,
    NANO,
    NOT_READ,
    NOW,
    OFFERS,
    SERVED,
    answer,
    entry,
    ids,
    of,
    offering,
    offers,
    tuned_deployments,
)

UNASKED = Offers()
DEVELOPER = "deployment: {sku: DeveloperTier}"


def test_an_account_with_all_that_is_asked_for_says_yes_to_everything() -> None:
    found = of("")
    assert len(found.answers) == len(QUESTIONS)
    assert ids(found, Says.NO) == set()
    assert found.region == "swedencentral"
    assert not found.refusals
    assert not found.waits


# ---- a SKU that a tuned model does not have (a trained and paid model that cannot be served)


def test_a_sku_that_the_tuned_model_does_not_have_is_refused_with_those_that_it_has() -> None:
    found = of(f"base_model: {MINI_4O}\n{DEVELOPER}")
    said = answer(found, "sku")
    assert (said.says, said.options) == (Says.NO, SERVED)
    assert said.sentence == f"The account does not deploy tuned {MINI_4O} as DeveloperTier."
    assert "deployment.sku: Standard, GlobalStandard, DataZoneStandard" in said.instead
    assert ids(found, Says.NO) == {"sku"}


def test_the_account_counts_more_than_the_table() -> None:
    """What the table does not know of yet, the account may offer."""
    newer = offering(entry("gpt-4o-mini", "2024-07-18", (*SERVED, "DeveloperTier")))
    assert answer(of(f"base_model: {MINI_4O}\n{DEVELOPER}", newer), "sku").says is Says.YES
    fewer = offering(entry("gpt-4.1-nano", "2025-04-14", ("Standard",)))
    assert answer(of("", fewer), "sku").options == ("Standard",)


def test_a_sku_that_a_tuned_model_alone_may_have_is_not_looked_for_among_those_of_its_base() -> (
    None
):
    """Where the account does not tell the two apart."""
    together = offering(entry("gpt-4.1-nano", "2025-04-14", SERVED, tuned=""))
    assert answer(of(DEVELOPER, together), "sku").says is not Says.NO
    assert answer(of("deployment: {sku: DataZoneStandard}", together), "sku").says is Says.YES
    fewer = offering(entry("gpt-4.1-nano", "2025-04-14", ("Standard",), tuned=""))
    assert answer(of("", fewer), "sku").says is Says.NO


# ---- models: there, open, tunable


def test_a_model_that_is_not_offered_is_refused_with_those_that_take_the_method() -> None:
    found = of("base_model: gpt-35-turbo-0613\nmethod: dpo")
    said = answer(found, "model")
    assert (said.says, said.options) == (Says.NO, (NANO,))  # the other takes no dpo
    assert [a.id for a in found.answers if a.id in ("lifecycle", "method", "sku")] == []


def test_an_account_that_offers_nothing_is_told_in_a_sentence() -> None:
    found = of("", offers(models=()))
    assert answer(found, "model").sentence.endswith("It offers no model at all.")
    assert answer(found, "model").instead.endswith("it takes another account.")


def test_a_tuned_model_is_asked_for_by_its_base() -> None:
    found = of(f"base_model: {NANO}.ft-0123456789abcdef-mine")
    assert ids(found, Says.NO) == set()
    assert answer(found, "model").says is Says.YES


@pytest.mark.parametrize(
    ("lifecycle", "says"),
    [
        ("GenerallyAvailable", Says.YES),
        ("Preview", Says.YES),
        ("Legacy", Says.YES),
        ("Deprecating", Says.UNKNOWN),
        ("Deprecated", Says.NO),
        ("Retired", Says.NO),
        ("SomethingNew", Says.UNKNOWN),
        (None, Says.UNKNOWN),
    ],
)
def test_a_lifecycle_is_the_accounts_word_and_not_a_date(lifecycle: Any, says: Says) -> None:
    old = entry("gpt-4o-mini", "2024-07-18", lifecycle=lifecycle)
    found = of(f"base_model: {MINI_4O}", offering(old, ENTRIES[0]))
    assert answer(found, "lifecycle").says is says
    if says is Says.NO:
        assert answer(found, "lifecycle").options == (NANO,)


def test_who_has_a_tuned_version_deployed_is_an_existing_customer_of_a_deprecated_model() -> None:
    old = offering(entry("gpt-4.1-nano", "2025-04-14", lifecycle="Deprecating"))
    assert answer(of("", old), "lifecycle").says is Says.UNKNOWN
    mine = replace(old, deployments=offers(deployments=tuned_deployments(1)).deployments)
    assert answer(of("", mine), "lifecycle").says is Says.YES


def test_a_date_alone_ends_nothing_however_late_it_is() -> None:
    """They are "no earlier than": what has really ended, the account tells by the lifecycle."""
    later = datetime(2028, 1, 1, tzinfo=UTC)
    found = of("", OFFERS, later)
    assert answer(found, "lifecycle").says is Says.UNKNOWN
    assert "2027-04-14" in answer(found, "lifecycle").sentence
    assert not found.refusals


def test_a_method_that_the_model_does_not_take() -> None:
    found = of(f"base_model: {MINI_4O}\nmethod: dpo")
    assert answer(found, "method").says is Says.NO
    assert answer(found, "method").options == ("supervised",)
    silent = offering(entry("gpt-4o-mini", "2024-07-18", SERVED, methods=None))
    by_table = answer(of(f"base_model: {MINI_4O}\nmethod: dpo", silent), "method")
    assert by_table.says is Says.NO
    assert by_table.sentence.startswith(f"By the table of {facts.READ_ON}, ")


def test_a_model_that_cannot_be_tuned() -> None:
    fixed = entry("gpt-4.1-nano", "2025-04-14", capabilities={"fineTune": "false"})
    found = of("", offering(fixed, ENTRIES[1]))
    assert answer(found, "method").says is Says.NO
    assert answer(found, "method").options == (MINI_4O,)


def test_a_model_of_which_the_account_says_nothing_while_it_does_of_others() -> None:
    silent = entry("gpt-4.1-nano", "2025-04-14", capabilities={}, methods=None)
    said = answer(of("", offering(silent, ENTRIES[1])), "method")
    assert said.says is Says.UNKNOWN
    assert f"by the table of {facts.READ_ON} it can" in said.sentence
    strange = entry("gpt-9", "2030-01-01", capabilities={}, methods=None)
    said = answer(of("base_model: gpt-9-2030-01-01", offering(strange, ENTRIES[1])), "method")
    assert said.says is Says.NO
    assert said.options == (MINI_4O,)


def test_words_of_the_account_that_are_not_understood_say_no_to_nothing() -> None:
    tells = {"supportedMethods": "sft,preference", "supportedTrainingTypes": "regional"}
    odd = offering(entry("gpt-4.1-nano", "2025-04-14", finetuneCapabilities=tells))
    assert ids(of("method: dpo", odd), Says.NO) == set()


@pytest.mark.parametrize("name", ["gpt-oss-20b", "gpt-oss-20b-11", "GPT-OSS-20b"])
def test_a_model_whose_version_is_no_date_is_known_with_it_and_without(name: str) -> None:
    open_weights = offering(entry("gpt-oss-20b", "11", ("GlobalStandard",), methods="supervised"))
    assert answer(of(f"base_model: {name}", open_weights), "model").says is Says.YES


# ---- training types, and regions


def test_a_training_type_that_the_account_does_not_name() -> None:
    """What it names is spelled in any way."""
    tells = {"supportedMethods": "supervised", "supportedTrainingTypes": "GlobalStandard,standard"}
    some = offering(entry("gpt-4.1-nano", "2025-04-14", finetuneCapabilities=tells))
    assert answer(of("training_type: globalStandard", some), "training-type").says is Says.YES
    said = answer(of("training_type: developer", some), "training-type")
    assert (said.says, said.options) == (Says.NO, ("globalStandard", "standard"))
    assert "not as developerTier" in said.sentence


@pytest.mark.parametrize(
    ("here", "tier", "says"),
    [
        ("swedencentral", "standard", Says.YES),
        ("westeurope", "standard", Says.NO),
        ("westeurope", "globalStandard", Says.YES),
        ("westeurope", "developerTier", Says.YES),
    ],
)
def test_regional_training_is_in_some_regions_only(here: str, tier: str, says: Says) -> None:
    said = answer(of(f"training_type: {tier}", offers(location=here)), "region")
    assert said.says is says
    if says is Says.NO:
        assert "globalStandard" in said.instead
        assert said.options == ("northcentralus", "swedencentral")


# ---- what cannot be known


def test_an_account_that_may_not_be_read_stops_nothing_and_says_why() -> None:
    unread = Offers(*[NOT_READ] * 6)
    found = of("", unread)
    assert not found.refusals
    assert not found.waits
    assert ids(found, Says.UNKNOWN) >= {"region", "quota", "slot", "jobs", "files"}
    assert "answered 403" in answer(found, "slot").sentence


def test_each_part_that_is_missing_stops_nothing() -> None:
    for part in ("location", "models", "quotas", "deployments", "jobs", "files"):
        found = of("", offers(**{part: NOT_READ}))
        assert not found.refusals, part


def test_the_table_answers_where_nobody_was_asked_and_says_so() -> None:
    found = of("base_model: gpt-4o-mini-2024-07-18\nmethod: dpo", UNASKED)
    assert answer(found, "method").says is Says.NO
    assert str(facts.READ_ON) in answer(found, "method").sentence


def test_a_table_that_is_old_says_no_to_nothing() -> None:
    later = NOW + facts.STALE_AFTER * 2
    found = of("base_model: gpt-4o-mini-2024-07-18\nmethod: dpo", UNASKED, later)
    assert answer(found, "method").says is Says.UNKNOWN
    assert answer(found, "method").sentence.endswith("The table is old.")
    assert not found.refusals


def test_a_model_that_nothing_knows_stops_nothing() -> None:
    found = of("base_model: gpt-9-2030-01-01", UNASKED)
    assert ids(found, Says.NO) == set()


# ---- words


def test_every_no_is_in_one_message_with_what_is_offered_instead() -> None:
    poor = replace(offering(*ENTRIES), jobs=offers(jobs=Jobs(100, 0)).jobs)
    failure = of(f"base_model: {MINI_4O}\n{DEVELOPER}", poor).failure("m-1")
    assert failure.blame == "caller"
    assert "as DeveloperTier" in failure.message
    assert "100 of 100 jobs" in failure.message
    assert failure.message.endswith("Nothing was sent.")
    assert "deployment.sku" in failure.fix
    assert "`tunedrop retry m-1`" in failure.fix


def test_the_json_says_the_worst_of_its_answers() -> None:
    assert of(DEVELOPER + f"\nbase_model: {MINI_4O}").as_json()["says"] == "no"
    assert of("", offers(jobs=NOT_READ)).as_json()["says"] == "unknown"
