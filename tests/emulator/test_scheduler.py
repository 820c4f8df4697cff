"""Whose turn it is among answers: without a model, a step at a time."""

import asyncio
import gc
import threading
from pathlib import Path

import pytest
from starlette.concurrency import run_in_threadpool

from local.emulator.language import answer_queue, scheduler
from local.emulator.language.answer_queue import AnswerQueue
from local.emulator.language.generation import GenerationFailed, Overloaded, Stopping
from local.emulator.language.model import LanguageModel

from .teller import PLACES, House, generating, run, text, until, wish

LONG = scheduler.LONG_TOKENS


def test_answers_join_and_leave_between_two_steps() -> None:
    async def test(house: House) -> None:
        first = house.ask(wish("a", tokens=8))
        house.teller.go(2)
        await until(lambda: len(house.teller.batches) == 2)
        second = house.ask(wish("b", tokens=2))
        house.teller.go()
        assert await text(first) == "a" * 8
        assert await text(second) == "bb"

    batches = run(test).batches
    assert batches[:2] == [["a"], ["a"]]
    assert ["a", "b"] in batches
    assert sum(batch.count("a") for batch in batches) == 7  # the first token comes of the prompt


def test_no_more_at_a_time_than_there_are_places_and_in_their_order() -> None:
    async def test(house: House) -> None:
        queues = [house.ask(wish(str(number), tokens=9)) for number in range(10)]
        house.teller.go()
        assert [await text(queue) for queue in queues] == [str(n) * 9 for n in range(10)]

    teller = run(test)
    assert max(map(len, teller.batches)) == PLACES
    assert teller.read_order == [str(number) for number in range(10)]


def test_a_short_answer_waits_for_no_long_one() -> None:
    async def test(house: House) -> None:
        long = [house.ask(wish("l", tokens=LONG + 1)) for _ in range(10)]
        await until(lambda: generating(house) > 0)
        short = house.ask(wish("s", tokens=3))
        house.teller.go(20)
        assert await text(short) == "sss"
        assert generating(house) == PLACES // 2
        for queue in long:
            queue.cancel()
        house.teller.go()

    run(test)


def test_long_answers_are_taken_one_after_the_other_and_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also one that is longer than all of them together may be."""
    monkeypatch.setattr(scheduler, "LONG_TOKENS", 50)
    monkeypatch.setattr(scheduler, "LONG_TOKENS_AT_ONCE", 200)
    longest = 201

    async def test(house: House) -> None:
        queues = [house.ask(wish("l", tokens=tokens)) for tokens in (longest, 51, longest)]
        await until(lambda: house.scheduler.load() == {"generating": 1, "waiting": 2})
        house.teller.go(2)
        await until(lambda: len(house.teller.batches) == 2)
        assert house.scheduler.load() == {"generating": 1, "waiting": 2}
        house.teller.go()
        assert [len(await text(queue)) for queue in queues] == [longest, 51, longest]

    run(test)


def test_a_long_prompt_lets_others_go_on_between_its_parts() -> None:
    async def test(house: House) -> None:
        first = house.ask(wish("a", tokens=50))
        await until(lambda: house.teller.read_order == ["a"])
        second = house.ask(wish("b", tokens=1, parts=20))
        house.teller.go()
        assert await text(second) == "b"
        assert await text(first) == "a" * 50

    teller = run(test, tokens_of_a_part=scheduler.PROMPT_TOKENS_PER_STEP)
    assert len(set(teller.read_after[1:])) == 20


def test_several_short_prompts_are_read_in_one_step() -> None:
    async def test(house: House) -> None:
        queue = house.ask(*[wish("a", tokens=2)] * PLACES)
        house.teller.go()
        assert await text(queue, PLACES) == "aa" * PLACES

    batches = run(test, tokens_of_a_part=scheduler.PROMPT_TOKENS_PER_STEP // PLACES).batches
    assert batches == [["a"] * PLACES]


def test_models_are_not_mixed_in_a_batch_and_not_too_many_at_once() -> None:
    models = [str(number) for number in range(scheduler.MODELS_AT_ONCE + 2)]

    async def test(house: House) -> None:
        queues = [house.ask(wish(model, 3, adapter=model)) for model in models for _ in range(2)]
        house.teller.go()
        assert [await text(queue) for queue in queues] == [m * 3 for m in models for _ in range(2)]

    assert all(len(set(batch)) == 1 for batch in run(test).batches)


def test_no_more_models_at_a_time_than_may_be_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "MODELS_AT_ONCE", 2)

    async def test(house: House) -> None:
        queues = [house.ask(wish(model, 30, adapter=model)) for model in "abc"]
        house.teller.go(2)  # the first step may have begun with one of them alone
        await until(lambda: house.scheduler.load() == {"generating": 2, "waiting": 1})
        await until(lambda: house.teller.read_order == ["a", "b"])
        assert house.scheduler.load() == {"generating": 2, "waiting": 1}
        house.teller.go()
        assert [await text(queue) for queue in queues] == ["a" * 30, "b" * 30, "c" * 30]

    run(test)


@pytest.mark.parametrize("running", [True, False])
def test_who_leaves_frees_the_place_and_the_memory_at_the_next_step(running: bool) -> None:
    async def test(house: House) -> None:
        if not running:
            others = house.ask(*[wish("b", tokens=1000)] * PLACES)
            await until(lambda: len(house.teller.alive) == PLACES)
        gone = house.ask(*[wish("a", tokens=1000)] * PLACES)
        if running:
            await until(lambda: len(house.teller.alive) == PLACES)
        waiting = house.ask(wish("c", tokens=1))
        gone.cancel()
        assert house.scheduler.load()["waiting"] == 1
        if running:
            house.teller.go(1)  # the step that was under way
            assert await text(waiting) == "c"
            await until(lambda: (gc.collect(), not house.teller.alive)[1])
        else:
            others.cancel()

    run(test)


def test_a_choice_that_is_wanted_no_longer_ends_alone() -> None:
    async def test(house: House) -> None:
        both = house.ask(wish("a", tokens=1000), wish("b", tokens=3))
        both.cancel(0)
        house.teller.go()
        told = ""
        while told.count("b") < 3:
            told += "".join(piece.text for _, piece in await both.read() if piece)
        assert await asyncio.to_thread(lambda: generating(house)) == 0

    run(test)


@pytest.mark.parametrize("step", ["begin", "read", "draw"])
def test_a_fault_of_one_answer_is_its_own(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def test(house: House) -> None:
        queues = [house.ask(wish(name, tokens=3)) for name in ("a", "bad", "c")]
        house.teller.go()
        with pytest.raises(GenerationFailed, match="failed"):
            await text(queues[1])
        assert (await text(queues[0]), await text(queues[2])) == ("aaa", "ccc")
        assert await text(house.ask(wish("d"))) == "dd"

    run(test, fails={"bad": step})
    assert "of this one alone" in capsys.readouterr().err


def test_a_fault_of_a_batch_ends_that_batch_and_no_other() -> None:
    async def test(house: House) -> None:
        bad, good = house.ask(wish("bad", 3, adapter="x")), house.ask(wish("a", 3, adapter="y"))
        house.teller.go()
        with pytest.raises(GenerationFailed):
            await text(bad)
        assert await text(good) == "aaa"
        assert await text(house.ask(wish("b", 3, adapter="x"))) == "bbb"

    run(test, fails={"bad": "advance"})


def test_more_than_the_limit_are_refused_and_those_that_left_do_not_count() -> None:
    async def test(house: House) -> None:
        held = [house.ask(wish(), limit=6) for _ in range(6)]
        with pytest.raises(Overloaded):
            house.ask(wish(), limit=6)
        held[-1].cancel()
        with pytest.raises(Overloaded):  # two choices count twice
            house.ask(wish(), wish(), limit=6)
        house.ask(wish(), limit=6)
        house.teller.go()

    run(test)


def test_an_answer_that_is_not_read_is_given_up_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer_queue, "UNREAD_PIECES", 40)

    async def test(house: House) -> None:
        unread, other = house.ask(wish("a", tokens=500)), house.ask(wish("b", tokens=200))
        told = 0
        house.teller.go(2)
        while told < 200:
            pieces = [piece for _, piece in await other.read() if piece]
            house.teller.go(len(pieces))  # and no more, so that this one is read in time
            told += len(pieces)
        assert len(await unread.read()) == 40
        with pytest.raises(GenerationFailed, match="not read"):
            await unread.read()

    assert sum(batch.count("a") for batch in run(test).batches) == 40


def test_at_the_end_all_are_refused_and_no_thread_is_left() -> None:
    threads = set(threading.enumerate())

    async def test(house: House) -> None:
        queues = [house.ask(*[wish("a", tokens=1000)] * PLACES) for _ in range(3)]
        await until(lambda: generating(house) == PLACES)
        house.scheduler.stopping.set()
        house.teller.go()
        await asyncio.to_thread(house.scheduler.stop)
        for queue in queues:
            with pytest.raises(Stopping):
                await text(queue)
        with pytest.raises(Stopping):
            house.ask(wish())
        assert house.scheduler.load() == {"generating": 0, "waiting": 0}

    run(test)
    assert not {one for one in set(threading.enumerate()) - threads if one.name == "generate"}


def test_a_reader_whose_loop_is_gone_is_no_fault() -> None:
    async def test(house: House) -> None:
        lost: list[AnswerQueue] = []

        async def ask_and_end() -> None:
            lost.append(house.ask(wish("a", tokens=1000)))

        await asyncio.to_thread(asyncio.run, ask_and_end())
        house.teller.go(3)
        assert await text(house.ask(wish("b", tokens=1))) == "b"
        await until(lambda: generating(house) == 0)

    run(test)


async def test_prompts_that_wait_for_the_model_keep_no_other_call_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool of threads, in which all other calls are carried out, has forty."""
    model = LanguageModel("tiny", tmp_path, tmp_path)
    monkeypatch.setattr(model, "_load", lambda: None)  # it takes for ever
    prompts = [asyncio.ensure_future(model.prompt([])) for _ in range(60)]
    try:
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert await run_in_threadpool(lambda: "another call") == "another call"
    finally:
        model.failure = "no such model"
        model._loaded.set()
        ended = await asyncio.gather(*prompts, return_exceptions=True)
        model.stop()
    assert {str(error) for error in ended} == {
        "The language model could not be loaded: no such model"
    }
