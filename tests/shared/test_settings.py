"""The settings: what is missing is named, and the page about them is true."""

import json
from dataclasses import fields
from pathlib import Path

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
