"""A judge rates each answer of a comparison: one more score, that decides nothing."""

import json
from typing import Any

import pytest

from shared.run.stages import Stage
from tests.support.comparing import EXAMPLES, Compared, Says, right, wrong

JUDGE = "stern"


def stern(said: dict[str, Any]) -> str:
    return "5" if said["answer"].strip() == said["expected"].strip() else "2"


def judged(rates: Any = stern, **settings: str) -> Compared:
    """Compared versions, and a judge that is shown what it rates."""
    compared = Compared.of(TUNEDROP_JUDGE_DEPLOYMENT=JUDGE, **settings)
    compared.deploy_base(wrong)
    compared.deploy(JUDGE, "gpt-5", lambda shown: str(rates(json.loads(shown))))
    return compared


async def version(compared: Compared, says: Says, run_yaml: str = "") -> Any:
    run = await compared.version(says, run_yaml)
    found = await compared.verdict(run)
    return run, found["contests"][0]["metrics"].get("judge"), found


async def test_every_answer_is_rated_and_the_score_decides_nothing() -> None:
    _, score, _ = await version(judged(), right)
    assert (score["candidate"], score["other"], score["examples"]) == (1.0, 0.25, EXAMPLES)
    assert score["decides"] is False


async def test_a_judge_that_is_talked_into_a_good_mark_promotes_nobody() -> None:
    compared = judged(lambda said: "5" if "weather" in said["answer"] else "1")
    compared.deploy_base(right)
    run, score, found = await version(compared, wrong, "gate: enforce\n")
    assert score["outcome"] == "win"
    assert found["overall"] == "loss"
    assert run.stage is Stage.HELD


@pytest.mark.parametrize("said", ["", "I like it: 5", "55", "0", "4.5", "six"])
async def test_what_is_no_rating_is_none(said: str) -> None:
    run, score, _ = await version(judged(lambda _: said), right)
    assert score is None
    assert run.stage is Stage.SERVING


async def test_what_failed_is_not_rated() -> None:
    compared = judged()
    compared.memory.arm("refused", "chat.captain-v1", status=400, code="x", message="no")
    await version(compared, right)
    rated = sum(count for (model, _), count in compared.asked.items() if model == "gpt-5")
    # The base's answers to all examples are the same, and so is what the judge is asked of them,
    # but for the request and the expected answer.
    assert rated == 2 * EXAMPLES - 1


async def test_ratings_are_kept_and_not_asked_twice() -> None:
    compared = judged()
    run, _, _ = await version(compared, right)
    lines = [line for line in await compared.lines(run) if line["model"].startswith("judge")]
    assert len(lines) == 2 * EXAMPLES
    assert max(compared.asked.values()) == 1


async def test_a_judge_that_is_not_there_is_told_and_not_waited_for() -> None:
    compared = judged()
    del compared.memory.deployed[JUDGE]
    run, score, _ = await version(compared, right)
    assert run.stage is Stage.SERVING
    assert score is None
    assert "The judge stern was not asked" in run.compared
