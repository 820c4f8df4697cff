"""The catalog: every fact has a source and a date, and stands in one place."""

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from shared.catalog import facts, lookup
from shared.catalog.records import ModelFacts, Source

ROOT = Path(__file__).resolve().parents[2]
CATALOG = ROOT / "shared/catalog"
BY_MODEL = ("RETIREMENTS", "STANDARD_REGIONS", "DEPLOYMENT_REGIONS", "IMAGE_TOKENS")
NAMES = {model.name for model in facts.MODELS.values}


GROUPS = {
    name: value
    for name, value in vars(facts).items()
    if isinstance(value, tuple) and not isinstance(value, Source) and hasattr(value, "source")
}


def constructed(source: Path) -> Iterator[str]:
    """The dates that a module writes down."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func) in ("date", "datetime.date")
        if called and all(isinstance(argument, ast.Constant) for argument in node.args):
            yield ast.unparse(node)


@pytest.mark.parametrize("name", [name for name in GROUPS if not name.startswith("_")])
def test_every_group_of_facts_names_its_source(name: str) -> None:
    source = getattr(facts, name).source
    assert isinstance(source, Source)
    assert source.name
    assert date(2023, 1, 1) < source.dated <= facts.READ_ON


def test_the_facts_are_in_groups() -> None:
    """What stands outside of a group is a word, a span of time, or belongs to a group's source."""
    alone = {name for name in vars(facts) if name.isupper() and not name.startswith("_")} - set(
        GROUPS
    )
    assert alone == {
        *("READ_ON", "STALE_AFTER", "RETIRES_SOON", "MEGABYTE", "SUPERVISED", "DPO", "TIERS"),
        *("GLOBAL", "REGIONAL", "DEVELOPER", "DATA_ZONE", "OTHER_NAMES", "HOURS_PER_MONTH"),
        "ANY_OTHER",
    }


@pytest.mark.parametrize("name", BY_MODEL)
def test_facts_about_a_model_name_a_model_that_is_there(name: str) -> None:
    assert set(getattr(facts, name).values) <= {*NAMES, facts.ANY_OTHER}


def test_limits_are_those_of_the_lists() -> None:
    """What money depends on stands here a second time: a slip of the pen in one is seen."""
    assert facts.TIERS["developer"] == facts.TIERS["developertier"] == "developerTier"
    assert facts.TIERS["datazone"] == facts.TIERS["datazonestandard"] == "DatazoneStandard"
    files = facts.FILES
    assert (files.minimum_examples, files.largest_file) == (10, 512_000_000)
    assert files.tokens_per_job == 2_000_000_000


def test_tiers_and_skus_are_found_in_any_case() -> None:
    for names in (facts.TIERS, facts.SKUS.values):
        assert all(name == name.lower() for name in names)
        assert all(own.lower() in names for own in names.values())


def test_dates_of_the_service_stand_in_the_catalog_alone() -> None:
    elsewhere = {
        str(source.relative_to(ROOT)): found
        for source in (ROOT / "shared").rglob("*.py")
        if CATALOG not in source.parents and (found := list(constructed(source)))
    }
    assert elsewhere == {}
    assert list(constructed(CATALOG / "facts.py"))


def test_the_catalog_uses_nothing_else_of_the_project() -> None:
    for source in CATALOG.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared"):
                assert (node.module or "").startswith("shared.catalog"), source


def test_a_model_has_all_that_is_known_of_it() -> None:
    nano = lookup.find_model("GPT-4.1-nano-2025-04-14")
    assert nano
    assert nano.methods == (facts.SUPERVISED, facts.DPO)
    assert (nano.tokens_per_example, nano.encoding) == (32_768, "o200k_base")
    assert nano.training_ends == facts.RETIREMENTS.values[nano.name].training
    assert nano.deployments_end == facts.RETIREMENTS.values[nano.name].deployments


def test_a_tuned_model_is_found_by_its_base_and_an_unknown_one_is_not() -> None:
    tuned = lookup.find_model("gpt-4.1-mini-2025-04-14.ft-0123-x")
    assert tuned
    assert tuned.name == "gpt-4.1-mini-2025-04-14"
    assert lookup.find_model("gpt-99") is None


def test_regions_of_standard_training() -> None:
    assert "eastus2" in lookup.standard_regions("gpt-4o-2024-08-06")
    assert lookup.standard_regions("gpt-4.1-2025-04-14") == ("northcentralus", "swedencentral")


def test_the_catalog_grows_old() -> None:
    assert not lookup.is_stale(facts.READ_ON + facts.STALE_AFTER)
    assert lookup.is_stale(facts.READ_ON + facts.STALE_AFTER + facts.STALE_AFTER)


@pytest.mark.parametrize("known", facts.MODELS.values, ids=lambda known: known.name)
def test_what_is_not_known_of_a_model_is_empty_and_nothing_else_is(known: ModelFacts) -> None:
    model = lookup.find_model(known.name)
    assert model
    assert (model.note, model.methods) == (known.note, known.methods)
    assert model.image_tokens == facts.IMAGE_TOKENS.values.get(known.name)
    assert (model.tiers, model.skus, model.format) == (known.tiers, known.skus, known.format)
