"""The table of prices: every row is its source's, every meter of the source has its row."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from docs import price_table
from shared.catalog import facts, lookup, prices
from shared.catalog.records import PriceRow

ITEMS: list[dict[str, Any]] = price_table.snapshot()["items"]
PER_MILLION = {"1K": 1_000, "1M": 1}
NANO, GPT_41, GPT_4O = "gpt-4.1-nano-2025-04-14", "gpt-4.1-2025-04-14", "gpt-4o-2024-08-06"


def key(row: PriceRow) -> str:
    return f"{row.meter}, {row.since}, {row.usd}, {row.regions[0]}"


@pytest.mark.parametrize("row", prices.ROWS, ids=key)
def test_every_row_is_an_item_of_the_snapshot(row: PriceRow) -> None:
    (item,) = (
        item
        for item in ITEMS
        if item["meterName"] == row.meter
        and item["effectiveStartDate"].startswith(row.since.isoformat())
        and set(item["regions"]) >= set(row.regions)
    )
    factor = PER_MILLION.get(item["unitOfMeasure"], 1)
    assert row.usd == pytest.approx(item["retailPrice"] * factor, rel=1e-9)
    assert ("Hour" in item["unitOfMeasure"]) is (row.kind == prices.HOSTING)
    assert all(region.startswith("usgov") for region in set(item["regions"]) - set(row.regions))


def test_every_row_is_of_a_known_model_and_offer() -> None:
    models = {model.name for model in facts.MODELS.values}
    offers = {prices.TRAINING: facts.TIERS.values(), prices.HOSTING: facts.SKUS.values.values()}
    for row in prices.ROWS:
        assert row.model in models
        assert row.offer in offers[row.kind]
        assert row.usd > 0
        assert row.since <= prices.SOURCE.dated <= facts.READ_ON


def test_no_two_meters_price_the_same_thing_in_one_region() -> None:
    places = [(*row[:3], region) for row in prices.ROWS for region in row.regions]
    assert len(places) == len(set(places))


# What a meter of tuning may be called, more widely than the generator reads it.
_SUSPECTS = ("train", "trng", "host", "hstng")


def of_our_models() -> Iterator[str]:
    """Meters of the catalog's models that look like training or hosting."""
    for item in ITEMS:
        name = item["meterName"].lower().replace("-", " ")
        ours = ("4.1", "4o", "oss 20b", "70b", "mnstrl 3b", "ministral 3b", "qwen3 32b")
        if any(part in name for part in ours) and any(word in name for word in _SUSPECTS):
            yield item["meterName"]


def test_no_meter_of_training_or_hosting_is_left_out() -> None:
    known = {row.meter for row in prices.ROWS}
    other = {name for name in of_our_models() if name not in known}
    assert {name for name in other if "mini" in name.lower() and "o4" not in name} == set()
    assert other == set()


def test_the_module_is_what_the_generator_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert price_table.TARGET.read_text(encoding="utf-8") == price_table.module()
    assert price_table.main(["--check"]) == 0
    assert "is as published" in capsys.readouterr().out


def test_a_difference_is_shown_and_nothing_is_written_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    changed = json.loads(json.dumps(price_table.snapshot()))
    for item in changed["items"]:
        if item["meterName"] == "OSS-20b FT Deployment Hosting Unit":
            item["retailPrice"] = 0.31
    target = tmp_path / "prices.py"
    target.write_text(price_table.module(), encoding="utf-8")
    before = target.read_bytes()
    monkeypatch.setattr(price_table, "TARGET", target)
    monkeypatch.setattr(price_table, "snapshot", lambda: changed)
    assert price_table.main(["--check"]) == 1
    told = capsys.readouterr().out
    assert '-    PriceRow("gpt-oss-20b", HOSTING, "GlobalStandard", 0.3,' in told
    assert '+    PriceRow("gpt-oss-20b", HOSTING, "GlobalStandard", 0.31,' in told
    assert target.read_bytes() == before
    assert price_table.main([]) == 0
    assert target.read_text(encoding="utf-8") == price_table.module() != before.decode()


@pytest.mark.parametrize(
    ("meter", "named"),
    [
        ("gpt-4.1-nano FT Training regional Tokens", (NANO, "training", "standard")),
        ("gpt 4.1 nano dev ft training glbl Tokens", (NANO, "training", "developerTier")),
        ("gpt-4o-0806-FT-Trng-glbl tkn Tokens", (GPT_4O, "training", "globalStandard")),
        ("4o 0806 ft training Dz Tokens", (GPT_4O, "training", "DatazoneStandard")),
        ("gpt-4o-0806-FT-Hstng-regnl Unit", (GPT_4O, "hosting", "Standard")),
        ("4.1 ft hosting Dz Unit", (GPT_41, "hosting", "DataZoneStandard")),
        ("Ministral 3bFTregnl Tokens", ("Ministral-3B", "training", "standard")),
        ("OSS-20b FT Deployment Hosting Unit", ("gpt-oss-20b", "hosting", "GlobalStandard")),
        ("gpt-4.1-ft input global Tokens", None),
        ("gpt-4.1-ft mdl grdr opt Tokens", None),
        ("gpt-4.1-dev-ft inpt glbl Tokens", None),
        ("3.3 70b Inp FT DZ Tokens", None),
        ("gpt-4o-1120-FT-Trng-glbl Tokens", None),
    ],
)
def test_what_a_meter_is_for(meter: str, named: tuple[str, str, str] | None) -> None:
    assert price_table.named(meter) == named


def test_a_unit_that_is_new_is_no_price() -> None:
    item = next(item for item in ITEMS if item["meterName"] == "OSS-20b FT Tokens")
    with pytest.raises(KeyError):
        price_table.rows([{**item, "unitOfMeasure": "1B"}])


# ---- look-ups


@pytest.mark.parametrize(
    ("model", "tier", "region", "usd"),
    [
        (GPT_41, "standard", "northcentralus", 27.5),
        (GPT_41, "standard", "swedencentral", 30.25),
        (GPT_41, "standard", "Sweden Central", 30.25),
        (GPT_41, "standard", "northeurope", 33),
        (GPT_41, "standard", "", 33),
        (GPT_41, "globalStandard", "swedencentral", 25),
        (GPT_41, "developer", "", 12.5),
        (GPT_41, "dataZone", "swedencentral", 27.5),
        ("gpt-4.1-mini-2025-04-14", "standard", "swedencentral", 6.05),
        (NANO, "standard", "swedencentral", 1.815),
        (GPT_4O, "standard", "swedencentral", 27.5),
        (GPT_4O, "standard", "southeastasia", 33),
        (GPT_4O, "standard", "atlantis", 33),
        ("gpt-oss-20b", "globalStandard", "swedencentral", 3.6),
        ("gpt-oss-20b", "dataZone", "swedencentral", 4),
        ("Llama-3.3-70B", "globalStandard", "", 4.5),
        ("Ministral-3B", "globalStandard", "", 1),
        (f"{GPT_41}.ft-0123-x", "globalStandard", "", 25),
        ("Qwen3-32B", "globalStandard", "", None),
        ("gpt-oss-20b", "developer", "", None),
        ("gpt-99", "globalStandard", "", None),
        (GPT_41, "batch", "", None),
        (GPT_41, "globalStandard", "usgovvirginia", None),
    ],
)
def test_what_training_costs(model: str, tier: str, region: str, usd: float | None) -> None:
    assert lookup.training_price(model, tier, region) == usd


@pytest.mark.parametrize(
    ("model", "sku", "region", "usd"),
    [
        (GPT_41, "GlobalStandard", "swedencentral", 1.7),
        (GPT_4O, "Standard", "southeastasia", 2.04),
        (GPT_4O, "standard", "swedencentral", 1.7),
        (GPT_4O, "Standard", "", 2.04),
        ("gpt-oss-20b", "globalstandard", "", 0.3),
        ("Llama-3.3-70B-Instruct", "GlobalStandard", "", 0.3),
        ("Ministral-3B", "GlobalStandard", "", 0.65),
        (GPT_41, "DeveloperTier", "", 0.0),
        ("gpt-oss-20b", "DeveloperTier", "", None),
        ("gpt-99", "developer", "", None),
        ("Qwen3-32B", "GlobalStandard", "", None),
        ("gpt-oss-20b", "Standard", "", None),
        (GPT_41, "ProvisionedManaged", "", None),
        ("gpt-99", "GlobalStandard", "", None),
        (GPT_41, "GlobalStandard", "usgovarizona", None),
    ],
)
def test_what_hosting_costs(model: str, sku: str, region: str, usd: float | None) -> None:
    assert lookup.hosting_per_hour(model, sku, region) == usd
    per_month = None if usd is None else pytest.approx(usd * 720)
    assert lookup.hosting_per_month(model, sku, region) == per_month


def test_without_a_region_no_price_is_lower_than_that_of_any() -> None:
    for row in prices.ROWS:
        asked = lookup.training_price if row.kind == prices.TRAINING else lookup.hosting_per_hour
        dearest = asked(row.model, row.offer)
        assert dearest is not None
        assert dearest >= row.usd
        assert all(asked(row.model, row.offer, region) == row.usd for region in row.regions)


def test_sweden_central_trains_the_41_family_for_a_tenth_more_than_north_central_us() -> None:
    for size in ("", "-mini", "-nano"):
        name = f"gpt-4.1{size}-2025-04-14"
        there = lookup.training_price(name, "standard", "northcentralus")
        assert there
        assert lookup.training_price(name, "standard", "swedencentral") == pytest.approx(
            1.1 * there
        )


def test_the_date_of_the_snapshot_is_that_of_the_prices() -> None:
    assert prices.SOURCE.dated == date.fromisoformat(price_table.snapshot()["fetched_at"][:10])


def test_a_models_price_of_each_tier_is_that_of_the_dearest_region() -> None:
    for model in lookup.MODELS:
        asked = {tier: lookup.training_price(model.name, tier) for tier in model.tiers}
        assert model.training_prices == {tier: usd for tier, usd in asked.items() if usd}


def test_regions_with_a_price_are_listed_once_and_in_order() -> None:
    regions = lookup.priced_regions()
    assert regions == tuple(sorted(set(regions)))
    assert set(regions) == {region for row in prices.ROWS for region in row.regions}
