"""Prices from numbers of tokens alone: what is asked for, what is billed, what is guessed."""

from dataclasses import replace

import pytest

from shared.catalog import facts, prices
from shared.dataset.measure.cost import (
    TrainingPlan,
    billed,
    exact_usd,
    guess_epochs,
    image_tokens,
    price,
    usd,
    usd_beside,
)

NANO = TrainingPlan(epochs=4)
GPT_41 = TrainingPlan(base_model="gpt-4.1-2025-04-14", epochs=4)
UNKNOWN = TrainingPlan(base_model="gpt-99", epochs=4)


def test_a_price_as_programs_read_it() -> None:
    plan = replace(GPT_41, training_type="standard", region="northcentralus", epochs=None)
    assert price(1_000_000, 100, plan).as_json() == {
        "currency": "USD",
        "tokens": 1_000_000,
        "image_tokens": 0,
        "upper_bound": False,
        "epochs": 3,
        "epochs_guessed": True,
        "training": 82.5,  # 3 epochs at 27.50
        "training_by_tier": {
            "globalStandard": 75.0,
            "standard": 82.5,
            "DatazoneStandard": 82.5,
            "developerTier": 37.5,
        },
        "hosting_per_month": 1224.0,  # 720 hours at 1.70
        "hosting_sku": "GlobalStandard",
        "region": "northcentralus",
        "read_on": prices.SOURCE.dated.isoformat(),
    }


def test_a_price_that_is_not_a_round_number_is_exact_to_a_hundredth_of_a_cent() -> None:
    whole = price(123_456_789, 100, NANO)
    assert whole.training == 740.7407
    assert whole.tiers["standard"] == 977.7778  # in the dearest region
    assert not whole.guessed


def test_developer_deployments_are_hosted_for_nothing() -> None:
    assert price(1, 1, TrainingPlan(sku="DeveloperTier")).hosting_per_month == 0
    assert price(1, 1, TrainingPlan()).hosting_per_month == 1224


def test_hosting_costs_what_the_model_costs_and_is_unknown_where_no_meter_is() -> None:
    assert price(1, 1, TrainingPlan(base_model="gpt-oss-20b")).hosting_per_month == 216.0
    unknown = price(1, 1, TrainingPlan(base_model="Qwen3-32B"))
    assert (unknown.hosting_per_month, unknown.hosting) == (None, "unknown")
    assert price(1, 1, TrainingPlan(sku="ProvisionedManaged")).hosting == "unknown"


def test_pictures_are_added_to_the_texts_and_none_are_there_unless_said() -> None:
    assert price(1_000_000, 100, NANO).tokens == 1_000_000
    with_pictures = price(1_000_000, 100, NANO, 500_000)
    assert with_pictures.tokens == 1_500_000
    assert with_pictures.training == 9.0  # 4 epochs at 1.50
    assert with_pictures.as_json()["upper_bound"]


def test_what_pictures_count_as() -> None:
    assert image_tokens(1, 1, GPT_41) == 85 + 1445
    assert image_tokens(2, 2, GPT_41) == 2 * (85 + 1445)
    assert image_tokens(0, 0, UNKNOWN) == 0, "there are none"
    assert image_tokens(1, 0, UNKNOWN) is None


def test_billed_tokens_cost_what_the_tier_of_the_plan_costs() -> None:
    """They are all epochs' tokens already."""
    assert billed(2_000_000, GPT_41) == 50.0
    assert billed(2_000_000, TrainingPlan(GPT_41.base_model, training_type="DEVELOPER")) == 25.0


@pytest.mark.parametrize("plan", [UNKNOWN, TrainingPlan(training_type="new tier")])
def test_what_has_no_known_price_is_billed_as_nothing(plan: TrainingPlan) -> None:
    assert billed(2_000_000, plan) == 0.0
    assert price(2_000_000, 100, plan).training is None


@pytest.mark.parametrize(
    ("examples", "epochs"),
    [(0, 3), (1, 25), (4, 25), (5, 20), (30, 3), (33, 3), (34, 3), (50, 3), (1000, 3)],
)
def test_small_files_are_guessed_to_be_trained_for_more_epochs(examples: int, epochs: int) -> None:
    assert guess_epochs(examples) == epochs
    assert price(1, examples, TrainingPlan()).epochs == epochs


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0.0, "$0.00"),
        (0.000_01, "less than $0.01"),
        (0.004_999, "less than $0.01"),
        (0.005, "$0.01"),
        (0.5, "$0.50"),
        (1234.5, "$1,234.50"),
    ],
)
def test_an_amount_is_shown_in_cents_and_never_as_nothing(amount: float, shown: str) -> None:
    assert usd(amount) == shown


@pytest.mark.parametrize(
    ("asked", "tier"), [("DEVELOPER", "developerTier"), ("Standard", "standard"), ("x", "x")]
)
def test_a_tier_is_known_in_any_case(asked: str, tier: str) -> None:
    assert TrainingPlan(training_type=asked).tier == tier


def test_an_unknown_model_is_held_to_the_largest_known_limit() -> None:
    assert UNKNOWN.limit == max(model.tokens_per_example for model in facts.MODELS.values)
    assert NANO.limit == 32_768
    assert UNKNOWN.encoding == "o200k_base"
    assert TrainingPlan(base_model="gpt-35-turbo-0613").encoding == "cl100k_base"


def test_a_job_is_billed_and_hosted_by_the_prices_of_its_region() -> None:
    dear, cheap = (
        replace(GPT_41, training_type="standard", sku="Standard", region=region)
        for region in ("", "northcentralus")
    )
    assert billed(1_000_000, dear) > billed(1_000_000, cheap) == 27.5
    in_asia = TrainingPlan(base_model="gpt-4o-2024-08-06", sku="Standard", region="southeastasia")
    assert price(1, 1, in_asia).hosting_per_month == 1468.8  # 720 hours at 2.04
    elsewhere = replace(in_asia, region="northcentralus")
    assert price(1, 1, elsewhere).hosting_per_month == 1224.0


def test_pictures_without_a_rule_leave_no_price_of_any_tier() -> None:
    unknown = price(1_000, 10, NANO, None)
    assert (unknown.training, unknown.tiers, unknown.image_tokens) == (None, {}, None)


def test_tokens_of_texts_are_exact_where_the_tokenizer_is_known() -> None:
    assert price(1, 1, NANO).exact
    assert price(1, 1, UNKNOWN).exact
    assert not price(1, 1, TrainingPlan(base_model="Qwen3-32B")).exact


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0.004, "$0.004"), (0.5, "$0.50"), (5, "$5.00"), (1234.125, "$1,234.125"), (0, "$0.00")],
)
def test_a_limit_is_shown_with_as_many_digits_as_it_has(amount: float, shown: str) -> None:
    assert exact_usd(amount) == shown


@pytest.mark.parametrize(
    ("limit", "amount", "shown"),
    [
        (5.0, 5.25, "$5.25"),
        (5.0, 5.0004, "$5.0004"),  # in cents it would look equal
        (0.001, 0.002, "$0.002"),  # less than a cent, both
        (5.0, 7.126, "$7.13"),
    ],
)
def test_a_cost_beside_a_limit_shows_on_which_side_it_is(
    limit: float, amount: float, shown: str
) -> None:
    assert usd_beside(limit, amount) == shown
