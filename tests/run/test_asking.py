"""Models are asked call by call: what is kept is not asked again, what is refused for now is waited
for, and what fails is kept as failed. Comparing ends no run, however it goes."""

from datetime import timedelta
from typing import Any

import pytest

from shared.run import reconciler
from shared.run.stages import Stage
from shared.run.transcript import Question
from tests.support import comparing
from tests.support.comparing import EXAMPLES, Compared, half, right, wrong
from tests.support.datasets import dataset
from tests.support.decided import BY_RUN


class Killed(BaseException):
    """What no handler sees: the worker is gone."""


ENFORCE = "gate: enforce\n"
AT_ONCE = 3
CANDIDATE = "chat.captain-v1"


@pytest.fixture
def compared() -> Compared:
    compared = Compared.of()
    compared.deploy_base(wrong)
    return compared


def most_asked(compared: Compared) -> int:
    return max(compared.asked.values())


# ---- kept, and found again


async def test_after_a_kill_at_any_call_nothing_is_asked_twice_that_was_kept(
    compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared.harness.set_policy(compare_at_once=AT_ONCE)
    run = await compared.placed(right)
    runs = compared.harness.ctx.clients.runs
    append, kept = runs.append, 0

    async def dies(name: str, line: str) -> None:
        nonlocal kept
        if not name.endswith("answers.jsonl"):
            await append(name, line)
            return
        if kept % 3 == 2:  # the worker is killed as it is about to keep what it was told
            kept += 1
            raise Killed
        kept += 1
        await append(name, line)

    monkeypatch.setattr(runs, "append", dies)
    deaths = 0
    while (run := await compared.harness.known(run.id)).stage is Stage.COMPARING:
        try:
            await reconciler.advance(run.id, compared.harness.ctx)
        except BaseExceptionGroup:  # of Killed
            deaths += 1
            compared.harness.break_claims()
    lines = await compared.lines(run)
    assert len(lines) == len({(line["model"], line["asked"]) for line in lines}) == 2 * EXAMPLES
    assert deaths > 3
    assert compared.asked.total() <= 2 * EXAMPLES + 2 * deaths * AT_ONCE
    assert (await compared.verdict(run))["overall"] == "win"


async def test_the_same_answers_make_the_same_verdict(compared: Compared) -> None:
    run = await compared.version(half)
    first = await compared.harness.ledger.document(run.id, "verdict.json")
    asked = compared.asked.total()
    again = await compared.harness.rewrite(run, stage=Stage.COMPARING)
    await compared.harness.ctx.registry.withdraw("captain", 1, BY_RUN)
    await compared.harness.ledger.mark(again.id)
    await compared.tick(again)
    assert await compared.harness.ledger.document(run.id, "verdict.json") == first
    assert compared.asked.total() == asked


async def test_a_line_that_is_there_twice_counts_once_and_a_torn_one_is_asked_again(
    compared: Compared,
) -> None:
    run = await compared.placed(right)
    runs = compared.harness.ctx.clients.runs
    await compared.tick(run)
    lines = await compared.lines(run)
    content = await runs.read(f"{run.id}/answers.jsonl")
    assert content
    doubled = content.data + content.data.replace(b"Arr", b"Oh") + b'{"model": "x", "as'
    other = await compared.placed(right)
    await runs.put(f"{other.id}/answers.jsonl", doubled, "application/x-ndjson")
    assert len(lines) == 2 * EXAMPLES
    from shared.run import transcript

    known = await transcript.load(other.id, compared.harness.ctx)
    assert len(known.answers) == 2 * EXAMPLES
    assert not [answer for answer in known.answers.values() if "Oh" in answer.text]


# ---- limits


async def test_a_429_is_waited_for_as_long_as_it_says_and_counts_as_nothing(
    compared: Compared,
) -> None:
    compared.memory.arm("throttled", CANDIDATE, count=2, retry_after=300)
    run = await compared.placed(right)
    run = await compared.tick(run)
    assert run.stage is Stage.COMPARING
    asked = compared.memory.journal.count(CANDIDATE)
    assert asked == 1
    while compared.harness.ctx.pauses["captain-v1"] > compared.memory.clock.now():
        assert compared.memory.journal.count(CANDIDATE) == asked
        await compared.tick(run)
        await compared.harness.pause(10)
    run = await compared.ended(run)
    assert all("failed" not in line for line in await compared.lines(run))
    assert (await compared.verdict(run))["sides"][0]["failed"] == 0


async def test_a_retry_after_holds_while_others_are_asked(compared: Compared) -> None:
    compared.deploy_base(wrong, capacity=1)
    compared.memory.arm("throttled", CANDIDATE, count=1, retry_after=300)
    run = await compared.placed(right)
    for tick in range(4):
        run = await compared.tick(run)
        assert compared.memory.journal.count(CANDIDATE) == 1
        assert compared.memory.journal.count("chat.plain") == tick + 1
        await compared.harness.pause(60)
    await compared.harness.pause(120)
    await compared.tick(run)
    assert compared.memory.journal.count(CANDIDATE) == 1 + EXAMPLES


async def test_what_is_waited_for_is_told(compared: Compared) -> None:
    compared.memory.arm("throttled", "chat.*", count=None, retry_after=300)
    run = await compared.tick(await compared.placed(right))
    assert "takes no more calls for now (429)" in str(run.waiting_for)
    assert run.not_before
    assert run.not_before - compared.memory.clock.now() > timedelta(seconds=290)


async def test_a_deployment_of_capacity_1_is_asked_once_a_tick(compared: Compared) -> None:
    compared.deploy_base(wrong, capacity=1)
    run = await compared.tick(await compared.placed(right))
    assert compared.memory.journal.count("chat.plain") == 1
    assert run.stage is Stage.COMPARING
    assert f"{EXAMPLES + 1} of {2 * EXAMPLES} answers are there" in str(run.waiting_for)
    run = await compared.tick(run)
    assert compared.memory.journal.count("chat.plain") == 2
    run = await compared.ended(run)
    assert compared.asked.total() == 2 * EXAMPLES
    assert run.tries == 0


async def test_of_a_deployment_that_others_use_half_is_left_to_them(compared: Compared) -> None:
    await compared.version(half)
    compared.deploy("captain-v1", compared.memory.deployed["captain-v1"].model, half, capacity=10)
    before = compared.memory.journal.count(CANDIDATE)
    await compared.tick(await compared.placed(right))
    assert compared.memory.journal.count(CANDIDATE) - before == 5


async def test_a_share_ends_in_time_and_the_next_tick_goes_on(
    compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = compared.memory.says

    def slowly(model: str, asked: Any) -> str:
        compared.memory.clock.advance(7)
        return say(model, asked)

    compared.memory.says = slowly
    compared.harness.set_policy(compare_at_once=AT_ONCE)
    run = await compared.tick(await compared.placed(right))
    first = compared.asked.total()
    assert 2 <= first < EXAMPLES
    run = await compared.tick(run)
    assert first < compared.asked.total() < 2 * EXAMPLES
    await compared.ended(run)
    assert most_asked(compared) == 1


# ---- failures


async def test_a_call_that_fails_again_and_again_is_kept_as_failed(compared: Compared) -> None:
    say = compared.memory.says

    def sometimes(model: str, asked: Any) -> str:
        said = say(model, asked)
        if asked["messages"][-1]["content"] == "What is 3?" and ".ft-" in model:
            raise ConnectionResetError
        return said

    compared.memory.says = sometimes
    run = await compared.version(right)
    found = await compared.verdict(run)
    assert found["sides"][0]["failed"] == 1
    assert found["sides"][0]["asked"] == EXAMPLES
    assert compared.asked[compared.memory.deployed["captain-v1"].model, "What is 3?"] == 3
    assert run.stage is Stage.SERVING


async def test_a_request_that_is_refused_is_kept_as_failed_at_once(compared: Compared) -> None:
    """A content filter says no to the same words every time. Its sentence is not kept."""
    options = {"status": 400, "code": "content_filter", "message": "secret words of a prompt"}
    compared.memory.arm("refused", CANDIDATE, count=1, **options)
    run = await compared.version(right)
    found = await compared.verdict(run)
    assert found["sides"][0]["failed"] == 1
    assert found["sides"][0]["failures"] == [{"count": 1, "reason": "400 content_filter"}]
    assert "secret words" not in str(await compared.lines(run))


async def test_an_outage_is_waited_for_and_costs_few_calls(compared: Compared) -> None:
    compared.memory.arm("unavailable", "chat.*", count=None)
    run = await compared.placed(right)
    run = await compared.tick(run)
    assert run.stage is Stage.COMPARING
    assert run.tries == 1
    assert len(compared.memory.journal) < 10
    compared.memory.disarm()
    run = await compared.ended(run)
    assert (await compared.verdict(run))["overall"] == "win"
    assert (await compared.verdict(run))["sides"][0]["failed"] == 0


async def test_an_outage_that_lasts_fails_no_example(compared: Compared) -> None:
    compared.memory.arm("unavailable", "chat.*", count=None)
    run = await compared.placed(right, examples=8)
    for _ in range(12):
        run = await compared.tick(run)
        await compared.harness.pause(900)
    assert all("failed" in line for line in await compared.lines(run))
    compared.memory.disarm()
    run = await compared.ended(run)
    assert [side["failed"] for side in (await compared.verdict(run))["sides"]] == [0, 0]


async def test_long_questions_are_asked_as_the_tokens_of_a_minute_allow(
    compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit of capacity is 1,000 tokens a minute, by the limit that a request names."""
    monkeypatch.setattr(comparing, "dataset", _long)
    compared.deploy_base(wrong, capacity=20)
    await compared.tick(await compared.placed(right))
    assert compared.memory.journal.count("chat.plain") == 4  # 10,000 tokens are the half


@pytest.mark.parametrize(("detail", "tokens"), [("low", 85), ("high", 1_445)])
def test_a_picture_takes_the_tokens_of_a_picture_and_not_of_its_bytes(
    detail: str, tokens: int
) -> None:
    def asked(size: int) -> int:
        url = f"data:image/png;base64,iVBORw0KGgo{'A' * size}"
        shown = {"type": "image_url", "image_url": {"url": url, "detail": detail}}
        text = {"type": "text", "text": "What is it?"}
        messages = [{"role": "user", "content": [text, shown]}]
        return Question.of(1, {"messages": messages, "max_completion_tokens": 64}).tokens

    assert asked(400_000) == asked(400)
    assert tokens + 64 < asked(400) < tokens + 64 + 60  # the JSON around it


def _long(examples: int, **_: Any) -> bytes:
    """About 3,000 tokens each."""
    return dataset(examples).replace(b"What is", b"clause " * 1_700 + b"What is")


async def test_a_deployment_that_answers_404_is_not_asked_a_hundred_times(
    compared: Compared,
) -> None:
    run = await compared.placed(right)
    compared.memory.deployed["captain-v1"].ready_at += timedelta(hours=1)
    await compared.tick(run)
    assert compared.memory.journal.count(CANDIDATE) == 1


async def test_a_missing_right_is_told_and_passes(compared: Compared) -> None:
    compared.memory.arm("denied", "chat.*", count=None)
    run = await compared.tick(await compared.placed(right))
    assert "401" in str(run.waiting_for)
    compared.memory.disarm()
    assert (await compared.ended(run)).stage is Stage.SERVING
