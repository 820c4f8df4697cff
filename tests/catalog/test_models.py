"""Base models as the catalog tells of them: whose they are, how they are trained and deployed."""

import pytest

from shared.catalog import facts, lookup
from shared.catalog.lookup import CatalogModel

GPTS = ("gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14", "gpt-4.1-nano-2025-04-14")
OPEN = {
    "gpt-oss-20b": "Microsoft",
    "Ministral-3B": "Mistral AI",
    "Qwen3-32B": "Alibaba",
    "Llama-3.3-70B-Instruct": "Meta",
}
PREVIEWS = ("gpt-oss-120b", "Qwen3.6-35B-A3B", "Qwen3.8-27B", "Muse-Glimmer-30B")


def known(name: str) -> CatalogModel:
    found = lookup.find_model(name)
    assert found
    return found


@pytest.mark.parametrize("name", OPEN)
def test_open_weights_are_trained_globally_or_by_data_zone_and_served_globally(name: str) -> None:
    model = known(name)
    assert model.format == OPEN[name]
    assert model.methods == (facts.SUPERVISED,)
    assert model.tiers == ("globalStandard", "DatazoneStandard")
    assert model.skus == ("GlobalStandard",)
    assert not model.preview


def test_a_tuned_version_of_gpt_oss_is_known_by_the_platforms_id() -> None:
    """Its name begins with the version that a job's answer and its tuned model have."""
    assert known("gpt-oss-20b-11.ft-0123-x") == known("gpt-oss-20b")


@pytest.mark.parametrize("name", PREVIEWS)
def test_previews_have_no_serverless_deployment_and_say_so(name: str) -> None:
    model = known(name)
    assert (model.preview, model.skus) == (True, ())
    assert model.tiers == ("globalStandard", "developerTier")
    assert "without serverless deployment" in model.note


@pytest.mark.parametrize("name", GPTS)
def test_the_41_family_has_every_tier_and_sku(name: str) -> None:
    model = known(name)
    assert set(model.tiers) == set(facts.TIERS.values())
    assert set(model.skus) == set(facts.SKUS.values.values())
    assert model.format == "OpenAI"


@pytest.mark.parametrize("name", ["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"])
def test_the_4o_family_has_no_developer_deployment(name: str) -> None:
    assert "developerTier" in known(name).tiers
    assert known(name).skus == ("GlobalStandard", "Standard", "DataZoneStandard")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Llama-3.3-70B", "Llama-3.3-70B-Instruct"),
        ("llama-3.3-70b-instruct", "Llama-3.3-70B-Instruct"),
        ("Llama-3.3-70B.ft-01-x", "Llama-3.3-70B-Instruct"),
        ("ministral-3b", "Ministral-3B"),
        ("Ministral-3B-2411", "Ministral-3B"),
        ("QWEN3-32B", "Qwen3-32B"),
    ],
)
def test_a_model_is_found_under_its_other_names(name: str, found: str) -> None:
    assert known(name).name == found


def test_other_names_are_those_of_models_and_hide_none() -> None:
    names = {model.name.lower() for model in lookup.MODELS}
    for other, name in facts.OTHER_NAMES.items():
        assert other == other.lower()
        assert name.lower() in names
        assert other not in names


def test_two_models_take_images() -> None:
    assert lookup.takers_of_images() == ("gpt-4.1-2025-04-14", "gpt-4o-2024-08-06")


def test_whose_tokens_are_exact() -> None:
    near = {model.name for model in lookup.MODELS if not model.exact_tokens}
    assert near == {*OPEN, *PREVIEWS} - {"gpt-oss-20b", "gpt-oss-120b"}
    for model in lookup.MODELS:
        if not model.exact_tokens and not model.preview:
            assert "near, not exact" in model.note


def test_the_tokenizer_of_gpt_oss_has_the_tokens_of_o200k_base_for_texts() -> None:
    """tiktoken's own table says so; nothing is downloaded for it."""
    from unittest.mock import patch

    from tiktoken_ext import openai_public  # type: ignore[import-untyped]

    with patch.object(openai_public, "load_tiktoken_bpe", lambda url, **_: {"file": url}):
        harmony, base = openai_public.o200k_harmony(), openai_public.o200k_base()
    assert harmony["mergeable_ranks"] == base["mergeable_ranks"]
    assert harmony["pat_str"] == base["pat_str"]
    assert known("gpt-oss-20b").encoding == "o200k_base"


@pytest.mark.parametrize(
    ("name", "base_ends", "new"),
    [
        ("gpt-4.1-2025-04-14", "2027-04-14", True),
        ("gpt-4o-2024-08-06", "2027-04-14", False),
        ("gpt-4o-mini-2024-07-18", "2027-04-14", False),
        ("o4-mini-2025-04-16", "2026-10-16", False),
        ("gpt-5-2025-08-07", "2027-02-09", True),
        ("gpt-oss-20b", "None", True),
    ],
)
def test_when_a_base_ends_and_who_may_begin(name: str, base_ends: str, new: bool) -> None:
    assert str(known(name).base_ends) == base_ends
    assert known(name).new_customers is new


def test_standard_deployments_have_regions_of_their_own() -> None:
    """gpt-4o trains in North Central US, and is deployed as Standard elsewhere."""
    assert "northcentralus" in lookup.standard_regions("gpt-4o-2024-08-06")
    assert lookup.deployment_regions("gpt-4o-2024-08-06", "standard") == (
        "eastus2",
        "swedencentral",
    )
    assert lookup.deployment_regions(GPTS[0], "Standard") == ("northcentralus", "swedencentral")
    assert lookup.deployment_regions(GPTS[0], "GlobalStandard") == ()
    assert lookup.deployment_regions("gpt-oss-20b", "GlobalStandard") == ()


def test_prices_by_tier_are_of_tiers_that_the_model_takes() -> None:
    assert known("gpt-oss-20b").training_prices == {"globalStandard": 3.6, "DatazoneStandard": 4}
    assert known("Qwen3-32B").training_prices == {}
    assert known("Llama-3.3-70B").training_prices == {
        "globalStandard": 4.5,
        "DatazoneStandard": 4.95,
    }


def test_a_base_model_is_asked_of_the_service_by_the_services_own_name() -> None:
    for other, name in facts.OTHER_NAMES.items():
        assert lookup.service_name(other) == lookup.service_name(other.upper()) == name
    assert lookup.service_name("Gpt-99.ft-x") == "Gpt-99.ft-x"
