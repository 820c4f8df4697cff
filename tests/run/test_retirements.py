"""The ends of base models are told in time, and no more often than they come closer."""

import logging

import pytest

from shared.run import reconciler, retirements
from tests.support.placed import PlacedRun


@pytest.fixture
async def placed() -> PlacedRun:
    """On 2026-11-01, with a model of gpt-4.1-nano: trained until 2027-04-14, and its tuned versions
    answer until 2027-10-14."""
    placed = PlacedRun()
    await placed.version(base_model="gpt-4.1-nano-2025-04-14")
    return placed


async def said(placed: PlacedRun, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    await reconciler.sweep(placed.ctx)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    return [message for message in warnings if message.startswith("m: ")]


async def test_each_end_is_told_once_for_each_level(
    placed: PlacedRun, caplog: pytest.LogCaptureFixture
) -> None:
    told = []
    for day in range(365):
        for message in await said(placed, caplog):
            told.append((day, message))
        placed.wait(days=1)
    days = [day for day, message in told if "answer until" in message or "answering" in message]
    ends = 347  # 2027-10-14
    assert days == [ends - 90, ends - 30, ends - 7, ends]
    assert len(told) == 3 * 4, "training, the base itself, deployments"
    assert "2027-10-14" in told[-1][1]


async def test_a_day_has_one_look(placed: PlacedRun, caplog: pytest.LogCaptureFixture) -> None:
    placed.wait(days=347)
    assert len(await said(placed, caplog)) == 3
    placed.wait(hours=1)
    assert await said(placed, caplog) == []


async def test_a_document_that_cannot_be_read_holds_nothing_up(
    placed: PlacedRun, caplog: pytest.LogCaptureFixture
) -> None:
    await placed.clients.runs.put(retirements.NAME, b"{", "")
    placed.wait(days=347)
    assert len(await said(placed, caplog)) == 3
    known = await retirements.latest(placed.clients.runs)
    assert known
    assert known.looked == placed.ctx.now().date()
