"""Comparing ends no run, however it goes: its time is over, something of ours is broken, or the
champion is another one meanwhile."""

import json
from typing import Any

import pytest

from shared.errors import TunedropError
from shared.run import comparing
from shared.run.stages import Stage
from tests.support.comparing import EXAMPLES, Compared, half, right, wrong
from tests.support.decided import BY_RUN

ENFORCE = "gate: enforce\n"
CANDIDATE = "chat.captain-v1"


@pytest.fixture
def compared() -> Compared:
    compared = Compared.of()
    compared.deploy_base(wrong)
    return compared


# ---- time is over


async def test_what_was_asked_in_vain_until_the_end_has_failed_and_what_was_not_asked_is_told(
    compared: Compared,
) -> None:
    compared.memory.arm("unavailable", CANDIDATE, count=None)
    run = await compared.placed(right, ENFORCE)
    await compared.tick(run)
    await _too_late(compared, run)
    run = await compared.tick(run)
    found = await compared.verdict(run)
    assert run.stage is Stage.HELD
    assert found["contests"][0]["primary"]["examples"] == 6  # three tries in each of two shares
    assert f"{EXAMPLES - 6} × an example that captain@1 (candidate) was not asked" in found["notes"]
    ours = found["sides"][0]
    assert (ours["asked"], ours["failed"], ours["not_asked"]) == (6, 6, EXAMPLES - 6)


async def test_a_version_that_answers_nothing_does_not_take_the_champions_place(
    compared: Compared,
) -> None:
    await compared.version(half)
    run = await compared.placed(right)
    compared.memory.arm("unavailable", "chat.captain-v2", count=None)
    await compared.tick(run)
    await _too_late(compared, run)
    run = await compared.tick(run)
    assert run.stage is Stage.HELD
    assert "captain@2 has answered nothing" in run.held
    assert await compared.champion() == 1


@pytest.mark.parametrize(("gate", "end"), [("report", Stage.SERVING), ("enforce", Stage.HELD)])
async def test_what_could_not_be_judged_in_time_is_held_by_the_gate_that_enforces(
    compared: Compared, gate: str, end: Stage
) -> None:
    compared.memory.arm("unavailable", "deployments.list", count=None)
    run = await compared.placed(right, f"gate: {gate}\n")
    run = await compared.tick(run)
    assert run.stage is Stage.COMPARING
    await _too_late(compared, run)
    run = await compared.tick(run)
    assert run.stage is end
    assert "captain@1 is not compared" in run.compared
    assert ("holds what could not be judged: `tunedrop retry captain-" in run.held) is (
        end is Stage.HELD
    )


@pytest.mark.parametrize(("gate", "end"), [("report", Stage.SERVING), ("enforce", Stage.HELD)])
async def test_a_fault_of_our_own_is_waited_for_and_promotes_nothing_that_is_to_be_judged(
    compared: Compared, gate: str, end: Stage
) -> None:
    def broken(model: str, asked: Any) -> str:
        raise ZeroDivisionError

    compared.memory.says = broken
    run = await compared.tick(await compared.placed(wrong, f"gate: {gate}\n"))
    assert run.stage is Stage.COMPARING
    await _too_late(compared, run)
    run = await compared.tick(run)
    assert run.stage is end
    assert "a fault in Tunedrop itself, ZeroDivisionError" in run.compared


async def test_time_in_which_nobody_looked_does_not_count(compared: Compared) -> None:
    compared.memory.arm("unavailable", CANDIDATE, count=None)
    run = await compared.tick(await compared.placed(right))
    await compared.harness.pause(2 * 24 * 3600)
    run = await compared.tick(run)
    assert run.stage is Stage.COMPARING


async def _too_late(compared: Compared, run: Any) -> None:
    await compared.harness.backdate(run, days=1)
    await compared.harness.ticked(days=1)
    await compared.harness.rewrite(run, not_before=None)


# ---- the champion meanwhile


@pytest.mark.parametrize("run_yaml", [ENFORCE, ""])
async def test_a_champion_that_changes_meanwhile_is_compared_with(
    compared: Compared, run_yaml: str
) -> None:
    await compared.version(half)
    second = await compared.placed(right, "promote: manual\n")
    third = await compared.placed(wrong, run_yaml)
    say = compared.memory.says

    def meanwhile(model: str, asked: Any) -> str:
        compared.memory.says = say
        records = compared.harness.ctx.clients.models
        known = json.loads(records.saved()["captain.json"].data)  # type: ignore[attr-defined]
        changed = json.dumps({**known, "champion": 2}).encode()
        records._write("captain.json", changed)  # type: ignore[attr-defined]
        return say(model, asked)

    compared.memory.says = meanwhile
    third = await compared.ended(third)
    names = [side["name"] for side in (await compared.verdict(third))["sides"]]
    assert names[:2] == ["captain@3", "captain@2"]
    assert third.stage is (Stage.HELD if run_yaml else Stage.SERVING)
    assert second.version == 2


async def test_a_champion_that_has_vanished_is_told_and_the_base_decides(
    compared: Compared,
) -> None:
    await compared.version(half)
    compared.memory.delete_deployment("captain-v1")
    await compared.harness.pause(5)
    run = await compared.version(right)
    names = [side["name"] for side in (await compared.verdict(run))["sides"]]
    assert names[0] == "captain@2"
    assert "captain@1" not in names
    assert "The champion captain@1 was not asked" in run.compared
    assert "captain@1 was not asked" in str((await compared.verdict(run))["notes"])
    assert run.stage is Stage.SERVING


async def test_where_the_gate_enforces_a_champion_without_a_deployment_is_asked_for(
    compared: Compared,
) -> None:
    await compared.version(half)
    model = compared.memory.deployed["captain-v1"].model
    compared.memory.delete_deployment("captain-v1")
    await compared.harness.pause(5)
    run = await compared.tick(await compared.placed(right, ENFORCE))
    assert "captain@1 has no deployment" in str(run.waiting_for)
    assert await compared.harness.ctx.clients.models.read("wake/captain")
    compared.deploy("captain-v1", model, half)
    run = await compared.ended(run)
    names = [side["name"] for side in (await compared.verdict(run))["sides"]]
    assert names[:2] == ["captain@2", "captain@1"]


async def test_a_version_that_is_promoted_already_is_not_asked_again(compared: Compared) -> None:
    """A worker died after the registry was written and before the run was."""
    run = await compared.placed(wrong, ENFORCE)
    await compared.harness.ctx.registry.promote("captain", 1, BY_RUN)
    run = await compared.tick(run)
    assert run.stage is Stage.SERVING
    assert not compared.asked


async def test_a_champion_of_a_newer_dataset_stays_and_nothing_is_asked(
    compared: Compared,
) -> None:
    older = await compared.placed(right)
    newer = await compared.placed(half)
    await compared.harness.ctx.registry.promote("captain", 2, BY_RUN)
    older = await compared.tick(older)
    assert older.stage is Stage.HELD
    assert "its dataset is newer" in older.held
    assert newer.version == 2


async def test_the_registry_promotes_nobody_over_an_unexpected_champion(
    compared: Compared,
) -> None:
    for says in (half, right, right):
        await compared.placed(says)
    registry = compared.harness.ctx.registry
    await registry.promote("captain", 1, BY_RUN, expected=None)
    assert (await registry.promote("captain", 2, BY_RUN, expected=None)).champion == 1
    assert (await registry.promote("captain", 3, BY_RUN, expected=1)).champion == 3


async def test_an_error_of_comparing_is_one_of_ours(compared: Compared) -> None:
    run = await compared.placed(right)
    await compared.harness.ctx.clients.models.delete("captain.json")
    with pytest.raises(TunedropError, match="gone from"):
        await comparing.compare(run, compared.harness.ctx)
