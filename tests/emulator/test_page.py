"""The page about the emulator tells all that can be set, armed and trained."""

import pytest

from local.emulator.control_plane.catalog import BASE_MODELS, DEVELOPER, NO_END, SKUS, BaseModel
from local.emulator.core.clock import iso_date
from local.emulator.core.faults import FAULT_KINDS
from local.emulator.core.settings import CHOICES, SettingValues

from .harness import ROOT

PAGE = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
TIERS = {
    "standard": "standard",
    "datazoneStandard": "data zone",
    "globalStandard": "global",
    "developerTier": "developer",
}
DEPLOYMENTS = {
    SKUS: "all SKUs",
    tuple(sku for sku in SKUS if sku != DEVELOPER): "all but DeveloperTier",
    ("GlobalStandard",): "GlobalStandard",
    (): "none",
}


@pytest.mark.parametrize("name", [*vars(SettingValues())])
def test_every_setting_is_told(name: str) -> None:
    assert f"`{name}`" in PAGE
    if name not in ("location", "job_statuses"):  # a region by its name, a status by its spelling
        assert all(f"`{choice}`" in PAGE for choice in CHOICES.get(name, ()))


@pytest.mark.parametrize("name", [*FAULT_KINDS])
def test_every_fault_is_told(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("base", BASE_MODELS, ids=[base.name for base in BASE_MODELS])
def test_every_base_model_is_told_with_its_format_and_its_ends(base: BaseModel) -> None:
    table = PAGE.partition("## Base models")[2].partition("\n## ")[0].splitlines()
    (row,) = (line.split("|")[2:-1] for line in table if f"`{base.id}`" in line)
    training, deployment, *rest = (cell.strip() for cell in row)
    assert training.split(", ") == ([TIERS[tier] for tier in base.tiers] or ["none"])
    assert deployment == DEPLOYMENTS[base.tuned_skus]
    ends = (base.ends.training, base.ends.base, base.ends.tuned)
    days = ["" if end is None or end == NO_END else iso_date(end)[:10] for end in ends]
    assert rest == [f"`{base.format}`", *days]
