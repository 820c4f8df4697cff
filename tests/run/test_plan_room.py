"""Whether an account has room for a run: quota for its deployment, a place for it, for its job and
for its files. The rules alone, without any run."""

from dataclasses import replace

import pytest

from shared.cloud.deployments import Deployment
from shared.cloud.offers import Files, Jobs, Quota
from shared.run.answers import Says, Upload
from tests.support.offered import (
    answer,
    entry,
    of,
    offering,
    offers,
    quotas,
    tuned_deployments,
)


def test_quota_that_does_not_reach_offers_the_capacity_that_does() -> None:
    few = quotas(left=40) | {"OpenAI.Standard.gpt-4.1-nano-finetune": Quota(0, 60)}
    said = answer(of("", offers(quotas=few)), "quota")
    assert said.says is Says.NO
    assert said.options == ("40",)
    assert "40 of 40 left of OpenAI.GlobalStandard.gpt-4.1-nano-finetune" in said.sentence
    assert "a deployment takes 50" in said.sentence
    assert "the capacity 40 or the SKU Standard, which has room for it" in said.instead


def test_the_quota_of_tuned_models_is_its_own() -> None:
    """An account may have none left for the base, and enough for what is tuned."""
    both = entry("gpt-4.1-nano", "2025-04-14")
    both["skus"] += entry("gpt-4.1-nano", "2025-04-14", tuned="")["skus"]
    counted = offering(both)
    counters = dict(counted.quotas.value or {}) | {
        "OpenAI.GlobalStandard.gpt-4.1-nano": Quota(9, 9)
    }
    found = of("", replace(counted, quotas=offers(quotas=counters).quotas))
    assert answer(found, "quota").says is Says.YES


def test_quota_that_is_used_up_offers_no_capacity() -> None:
    said = answer(of("", offers(quotas=quotas(left=0))), "quota")
    assert (said.says, said.options) == (Says.NO, ())
    assert "https://aka.ms/oai/stuquotarequest" in said.instead
    blocked = {name: Quota(0, 1000, blocked=True) for name in quotas()}
    assert answer(of("", offers(quotas=blocked)), "quota").says is Says.NO


def test_capacity_comes_in_steps_and_between_bounds() -> None:
    steps = entry("gpt-4.1-nano", "2025-04-14", ("GlobalStandard",))
    steps["skus"][0]["capacity"] = {"minimum": 10, "maximum": 30, "step": 10}
    assert answer(of("", offering(steps)), "quota").options == ("30",)
    assert answer(of("", offering(steps, left=25)), "quota").options == ("20",)
    assert answer(of("", offering(steps, left=9)), "quota").options == ()


def test_a_counter_that_is_not_told_stops_nothing() -> None:
    said = answer(of("", offers(quotas={})), "quota")
    assert said.says is Says.UNKNOWN


@pytest.mark.parametrize(("count", "says"), [(9, Says.YES), (10, Says.NO)])
def test_the_tenth_deployment_of_a_tuned_model_is_the_last(count: int, says: Says) -> None:
    said = answer(of("", offers(deployments=tuned_deployments(count))), "slot")
    assert said.says is says
    assert f"{count} of 10 deployments of tuned models" in said.sentence
    if says is Says.NO:
        assert "tuned-0" in said.instead
        assert not said.passes  # nobody gives one back by itself


def test_a_queue_that_is_full_passes_and_a_hundred_jobs_do_not() -> None:
    full = of("", offers(jobs=Jobs(30, 20)))
    assert not full.refusals
    assert full.waiting_for == "30 of 100 jobs, 20 of 20 queued. It waits for the queue."
    assert not of("", offers(jobs=Jobs(99, 19))).waits
    assert [a.id for a in of("", offers(jobs=Jobs(100, 0))).refusals] == ["jobs"]


@pytest.mark.parametrize(
    ("there", "sent", "fits"),
    [
        (Files(98, 0), Upload(2, 1), True),
        (Files(99, 0), Upload(2, 1), False),
        (Files(1, 999_000_000), Upload(1, 1_000_000), True),
        (Files(1, 999_000_000), Upload(1, 1_000_001), False),
    ],
)
def test_room_for_files_is_of_a_hundred_and_a_gigabyte(
    there: Files, sent: Upload, fits: bool
) -> None:
    found = of("", offers(files=there), upload=sent)
    assert bool(found.waits) is not fits
    assert not found.refusals


def test_of_several_counters_the_one_counts_that_is_used_up_first() -> None:
    twice = entry("gpt-4.1-nano", "2025-04-14", ("GlobalStandard",))
    twice["skus"] += entry("gpt-4.1-nano", "2025-04-14", ("GlobalStandard",), tuned="-finetune-2")[
        "skus"
    ]
    there = offering(twice)
    counters = dict(there.quotas.value or {})
    counters["OpenAI.GlobalStandard.gpt-4.1-nano-finetune-2"] = Quota(0, 10)
    for turned in (counters, dict(reversed(counters.items()))):
        said = answer(of("", replace(there, quotas=offers(quotas=turned).quotas)), "quota")
        assert (said.says, said.options) == (Says.NO, ("10",))


@pytest.mark.parametrize(
    ("told", "asked", "offered"),
    [
        ({"minimum": 10, "step": 10, "maximum": 100}, 5, "10"),
        ({"minimum": 10, "step": 10, "maximum": 100}, 17, "20"),
        ({"minimum": 10, "step": 10, "maximum": 100}, 400, "100"),
        ({"allowedValues": [10, 20]}, 18, "20"),
        ({"minimum": 300}, 50, None),  # more than the quota that is left
    ],
)
def test_a_capacity_that_the_sku_does_not_take_is_a_no_whatever_the_quota(
    told: dict[str, int], asked: int, offered: str | None
) -> None:
    known = entry("gpt-4.1-nano", "2025-04-14", ("GlobalStandard",))
    known["skus"][0]["capacity"] = told
    run_yaml = f"deployment: {{capacity: {asked}}}"
    for account in (offering(known), replace(offering(known), quotas=offers(quotas={}).quotas)):
        said = answer(of(run_yaml, account), "quota")
        if offered is None and not account.quotas.value:
            offered = "300"
        assert (said.says, said.options) == (Says.NO, (offered,) if offered else ())
        assert f"not {asked}" in said.sentence
        assert offered is None or f"the capacity {offered}" in said.instead


def test_a_step_may_be_counted_from_zero_or_from_the_minimum() -> None:
    """No page says which: neither is refused."""
    known = entry("gpt-4.1-nano", "2025-04-14", ("GlobalStandard",))
    known["skus"][0]["capacity"] = {"minimum": 5, "step": 10}
    for capacity, says in ((20, Says.YES), (25, Says.YES), (22, Says.NO)):
        found = of(f"deployment: {{capacity: {capacity}}}", offering(known))
        assert answer(found, "quota").says is says


def test_a_sku_with_room_is_offered_only_where_it_takes_the_capacity() -> None:
    known = entry("gpt-4.1-nano", "2025-04-14", ("GlobalStandard", "Standard", "DataZoneStandard"))
    known["skus"][1]["capacity"] = {"maximum": 20}
    account = offering(known)
    counters = dict(account.quotas.value or {})
    counters["OpenAI.GlobalStandard.gpt-4.1-nano-finetune"] = Quota(250, 250)
    said = answer(of("", replace(account, quotas=offers(quotas=counters).quotas)), "quota")
    assert "the SKU DataZoneStandard," in said.instead
    assert "SKU Standard" not in said.instead


def test_files_that_no_account_has_room_for_are_not_waited_for() -> None:
    for sent in (Upload(2, 1_020_000_000), Upload(101, 1)):
        found = of("", offers(files=Files(0, 0)), upload=sent)
        assert [said.id for said in found.refusals] == ["files"]
        assert not found.waits


def test_an_account_full_of_others_names_those() -> None:
    bases = tuple(Deployment(f"base-{number}", "gpt-4o", "Succeeded") for number in range(32))
    said = answer(of("", offers(deployments=bases)), "slot")
    assert (said.says, len(said.options)) == (Says.NO, 32)
    assert "of base-0, base-1" in said.instead
