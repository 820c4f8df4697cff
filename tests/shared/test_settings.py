"""The settings: what is missing is named, and the page about them is true."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from shared.errors import SettingError
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
NAMES = [f.metadata["name"] for f in fields(Settings)]


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(SettingError, match="AZURE_OPENAI_ENDPOINT"):
        Settings.load({})


def test_an_unreadable_setting_is_named_with_its_value() -> None:
    with pytest.raises(SettingError, match="TUNEDROP_QUIET_SECONDS is 'soon'"):
        Settings.one({"TUNEDROP_QUIET_SECONDS": "soon"}, "quiet_seconds")


NUMBERS = [f for f in fields(Settings) if f.type in (int, float)]


@pytest.mark.parametrize("f", NUMBERS, ids=lambda f: f.name)
@pytest.mark.parametrize(
    "value", ["nan", "inf", "-inf", "-1", "1e300", "9" * 30, "9" * 5_000, "true", "1;2", "\x1b[1m"]
)
def test_a_number_out_of_bounds_is_refused_by_its_setting(f: Any, value: str) -> None:
    name = f.metadata["name"]
    with pytest.raises(SettingError) as refused:
        Settings.one({name: value}, f.name)
    assert f"{name} is '" in refused.value.message
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("f", NUMBERS, ids=lambda f: f.name)
def test_a_default_and_both_bounds_can_be_set(f: Any) -> None:
    for value in (f.metadata["default"], f.metadata["least"], f.metadata["most"]):
        assert Settings.one({f.metadata["name"]: str(value)}, f.name) == value
    assert f.metadata["least"] < f.metadata["most"]


@pytest.mark.parametrize(
    ("name", "field_name", "right"),
    [
        ("TUNEDROP_DEPLOYMENT_SKU", "deployment_sku", "GlobalStandard"),
        ("TUNEDROP_TRAINING_TYPE", "training_type", "globalStandard"),
    ],
)
def test_a_name_is_one_that_is_known_in_its_right_spelling(
    name: str, field_name: str, right: str
) -> None:
    assert Settings.one({name: right.upper()}, field_name) == right
    for wrong in ("cheap", "ProvisionedManaged", "x" * 5_000):
        with pytest.raises(SettingError, match=f"{name} is '.*Known are .*{right}") as refused:
            Settings.one({name: wrong}, field_name)
        assert len(str(refused.value)) < 250


def test_there_is_a_limit_of_jobs_by_default() -> None:
    assert Settings.one({}, "daily_runs") == 20


def test_nothing_is_ended_kept_or_let_in_by_default() -> None:
    defaults = (
        "end_orphans",
        "app_keys",
        "entra_tenant",
        "remember",
        "chat_allow",
        "continue_from",
    )
    assert [Settings.one({}, name) for name in defaults] == ["off", "", "", (), (), ()]


def test_lists_are_separated_by_commas() -> None:
    assert Settings.one({"TUNEDROP_BASE_DEPLOYMENTS": "a, b,"}, "base_deployments") == ("a", "b")


def test_the_sample_sets_nothing_that_the_app_does_not_know() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
    of_the_platform = {
        "FUNCTIONS_WORKER_RUNTIME",
        "PYTHON_ENABLE_INIT_INDEXING",
        "AzureWebJobsStorage",
    }
    assert set(sample["Values"]) - of_the_platform <= set(NAMES)
    Settings.load(sample["Values"])
