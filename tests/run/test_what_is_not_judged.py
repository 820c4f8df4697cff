"""What was not asked is no failure, and what does not answer is not promoted, whatever the gate
says."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from shared.model.paired import MOST_EXAMPLES
from shared.model_settings import ModelSettings
from shared.run.record import Run
from shared.run.stages import Stage
from tests.support import comparing
from tests.support.comparing import EXAMPLES, Compared, half, right, wrong

GATES = ["off", "report", "enforce"]


@pytest.fixture
def compared() -> Compared:
    return Compared.of()


# ---- what was not asked


async def test_a_better_version_of_little_capacity_is_promoted_by_what_it_was_asked(
    compared: Compared,
) -> None:
    compared.deploy_base(wrong)
    run = await _of_capacity_1(compared, "enforce")
    for _ in range(11):
        run = await compared.tick(run)
    run = await compared.tick(await _too_late(compared, run))
    found = await compared.verdict(run)
    assert run.stage is Stage.SERVING
    assert found["contests"][0]["primary"]["examples"] == 12
    ours = found["sides"][0]
    assert (ours["asked"], ours["not_asked"], ours["failed"]) == (12, EXAMPLES - 12, 0)
    assert f"{EXAMPLES - 12} examples more count for nothing" in run.compared


async def test_with_too_few_pairs_in_time_the_gate_that_enforces_holds(compared: Compared) -> None:
    """It is not the data that lacks evidence."""
    compared.deploy_base(wrong)
    run = await compared.tick(await _of_capacity_1(compared, "enforce"))
    run = await compared.tick(await _too_late(compared, run))
    assert run.stage is Stage.HELD
    assert "2 examples can decide nothing" in run.held


async def test_all_are_asked_in_the_same_order_which_is_not_the_files(compared: Compared) -> None:
    compared.deploy_base(wrong)
    compared.harness.set_policy(compare_at_once=1)
    await compared.version(right)
    asked: dict[str, list[str]] = {}
    for model, question in compared.asked:
        asked.setdefault(model, []).append(question)
    first, second = asked.values()
    assert first == second
    assert first != sorted(first, key=lambda question: int(question.split()[-1].rstrip("?")))


async def test_right_answers_of_many_tokens_are_not_cut(
    compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digits take a token each; the limit is counted, not reckoned by bytes."""
    monkeypatch.setattr(comparing, "dataset", _tables)
    compared.memory.says = lambda model, asked: _cut(_table(asked), asked["max_completion_tokens"])
    compared.deploy_base(wrong)
    run = await compared.version(right)
    ours = (await compared.verdict(run))["contests"][0]["primary"]["candidate"]
    assert ours == 1.0


def _tables(examples: int, **_: Any) -> bytes:
    lines = []
    for number in range(examples):
        asked = [{"role": "user", "content": f"Table {number}?"}]
        said = {"role": "assistant", "content": _table({"messages": asked})}
        lines.append(json.dumps({"messages": [*asked, said]}).encode() + b"\n")
    return b"".join(lines)


def _table(asked: dict[str, Any]) -> str:
    chance = random.Random(asked["messages"][-1]["content"])
    return json.dumps([[chance.randint(0, 9) for _ in range(6)] for _ in range(40)])


def _cut(text: str, tokens: int) -> str:
    """As a service does that makes a token of every digit and every sign between."""
    pieces = text.replace(", ", ",").replace(",", " , ").split(" ")
    return text if len(pieces) <= tokens else text[: len(text) // 2]


# ---- who is asked meanwhile


async def test_while_the_champion_is_waited_for_the_others_are_asked(compared: Compared) -> None:
    compared.deploy_base(half)
    await compared.version(wrong)
    compared.memory.delete_deployment("captain-v1")
    await compared.harness.pause(5)
    run = await compared.tick(await compared.placed(right, "gate: enforce\n"))
    assert "captain@1 has no deployment" in str(run.waiting_for)
    assert len(await compared.lines(run)) == 2 * EXAMPLES
    run = await compared.tick(await _too_late(compared, run))
    assert run.stage is Stage.SERVING
    assert "captain@2 is better than" in run.compared
    assert "The champion captain@1 was not asked" in run.compared


async def test_with_a_champion_that_nobody_could_ask_and_no_base_the_gate_holds(
    compared: Compared,
) -> None:
    await compared.version(wrong)
    compared.memory.delete_deployment("captain-v1")
    await compared.harness.pause(5)
    run = await compared.tick(await compared.placed(right, "gate: enforce\n"))
    run = await compared.tick(await _too_late(compared, run))
    assert run.stage is Stage.HELD
    assert "holds what could not be judged" in run.held


# ---- a version that does not answer


@pytest.mark.parametrize("gate", GATES)
async def test_a_version_whose_deployment_is_gone_is_not_promoted(
    compared: Compared, gate: str
) -> None:
    await compared.version(half)
    run = await compared.placed(right, f"gate: '{gate}'\n")
    compared.memory.delete_deployment("captain-v2")
    run = await compared.tick(run)
    assert run.stage is Stage.HELD
    assert "The deployment captain-v2 is gone." in run.held
    assert await compared.champion() == 1


@pytest.mark.parametrize("gate", GATES)
async def test_a_first_version_whose_deployment_is_gone_is_no_champion(
    compared: Compared, gate: str
) -> None:
    compared.deploy_base(wrong)
    run = await compared.placed(right, f"gate: '{gate}'\n", examples=0)
    compared.memory.delete_deployment("captain-v1")
    run = await compared.tick(run)
    assert run.stage is Stage.HELD
    assert await compared.champion() is None


async def test_a_deployment_that_goes_with_the_last_answer_is_noticed(compared: Compared) -> None:
    await compared.version(half)
    run = await compared.placed(right)
    say, left = compared.memory.says, 2 * EXAMPLES

    def last(model: str, asked: Any) -> str:
        nonlocal left
        said, left = say(model, asked), left - 1
        if not left:
            compared.memory.delete_deployment("captain-v2")
        return said

    compared.memory.says = last
    run = await compared.ended(run)
    assert run.stage is Stage.HELD
    assert (await compared.verdict(run))["overall"] == "win"
    assert "Chat does not go to captain@2" in run.held
    assert "`tunedrop promote` deploys its version again" in run.held


async def test_a_version_that_is_busy_when_it_is_to_be_promoted_is_waited_for(
    compared: Compared,
) -> None:
    compared.deploy_base(wrong)
    compared.memory.arm("throttled", "chat.create", count=1, retry_after=30)
    run = await compared.tick(await compared.placed(right))
    assert run.stage is Stage.COMPARING
    assert (await compared.ended(run)).stage is Stage.SERVING


async def test_one_that_is_busy_for_ever_is_held(compared: Compared) -> None:
    compared.deploy_base(wrong)
    compared.memory.arm("throttled", "chat.create", count=None)
    run = await compared.tick(await compared.placed(right))
    run = await compared.tick(await _too_late(compared, run))
    assert run.stage is Stage.HELD
    assert "429" in run.held


async def test_a_first_version_that_answers_nothing_is_no_champion(compared: Compared) -> None:
    compared.deploy_base(wrong)
    compared.memory.arm("unavailable", "chat.captain-v1", count=None)
    run = await compared.tick(await compared.placed(right))
    run = await compared.tick(await _too_late(compared, run))
    assert run.stage is Stage.HELD
    assert "captain@1 has answered nothing" in run.held


# ---- bounds


def test_no_more_examples_may_be_set_than_a_verdict_takes() -> None:
    bounds = ModelSettings.__dataclass_fields__["compare_examples"].metadata
    assert bounds["most"] == MOST_EXAMPLES


async def _of_capacity_1(compared: Compared, gate: str) -> Run:
    run = await compared.placed(right, f"gate: {gate}\ndeployment:\n  capacity: 1\n")
    deployed = compared.memory.deployed
    deployed["captain-v1"] = replace(deployed["captain-v1"], capacity=1)
    return run


async def _too_late(compared: Compared, run: Run) -> Run:
    await compared.harness.backdate(run, days=1)
    await compared.harness.ticked(days=1)
    await compared.harness.rewrite(run, not_before=None)
    return await compared.harness.known(run.id)
