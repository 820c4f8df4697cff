"""Many chats at once, through HTTP and the SDK: all of them end, and none changes another.

TUNEDROP_STORM=1 makes the storm one of 1,000 streams and 200 whole answers.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest
from openai import AsyncOpenAI, OpenAI

from .harness import (
    BASE_MODEL,
    KEY,
    QUESTION,
    Running,
    answer_once_ready,
    dataset,
    deploy,
    finished,
    started,
    upload,
    wait_until,
)
from .storm import COMPLETE, GONE, Storm, client, load, unleash, until_idle

IN_FULL = bool(os.environ.get("TUNEDROP_STORM"))
MOST_BYTES = 1_500_000_000  # docs/emulator.md
MOST_THREADS = 24  # and no more with more chats


@dataclass(frozen=True)
class Own:
    """An emulator of these tests alone, with the base model deployed as "always"."""

    emulator: Running
    process: psutil.Process
    state: Path


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    state = tmp_path_factory.mktemp("many")
    with started(state) as (emulator, process), emulator.v1() as v1:
        emulator.settings(creating_seconds=0, readiness_gap_seconds=0)
        with emulator.arm() as arm:
            deploy(arm, "always", "gpt-4.1-nano", "2025-04-14", capacity=100)
        answer_once_ready(v1, "always")
        yield Own(emulator, psutil.Process(process.pid), state)


def whole(session: httpx.AsyncClient, **options: Any) -> Any:
    body = {"model": "always", "messages": QUESTION, "max_tokens": 4, **options}
    return session.post("/openai/v1/chat/completions", json=body)


def test_two_streams_beside_forty_answers_end(emulator: Running, base: str) -> None:
    """These stopped the emulator for ever: a thread of the pool for each, and one lock."""
    assert unleash(emulator, Storm(streams=2, wholes=40)) == {COMPLETE: 42}
    until_idle(emulator, 5)


def test_a_storm_of_chats_beside_a_training(own: Own) -> None:
    """A third of the clients hang up. All ends, the training goes on, nothing is left behind."""
    streams, wholes, seconds = (1000, 200, 1800.0) if IN_FULL else (100, 40, 240.0)
    with own.emulator.v1() as v1:
        job = v1.fine_tuning.jobs.create(
            model=BASE_MODEL,
            training_file=upload(v1, dataset()),
            hyperparameters={"n_epochs": 10_000},
        ).id
        wait_until(lambda: steps(v1, job) > 0)
        before = steps(v1, job)
        ended = unleash(own.emulator, Storm(streams, wholes, 1 / 3, seconds=seconds))
        assert steps(v1, job) > before
        v1.fine_tuning.jobs.cancel(job)
    assert set(ended) == {COMPLETE, GONE}
    assert ended.total() == streams + wholes
    assert ended[COMPLETE] > ended.total() / 2
    until_idle(own.emulator, 10)
    assert own.process.memory_info().rss < MOST_BYTES
    assert own.process.num_threads() < MOST_THREADS


def steps(v1: OpenAI, job: str) -> int:
    events = v1.fine_tuning.jobs.list_events(job, limit=20).data
    numbers = [event.data["step"] for event in events if event.type == "metrics"]  # type: ignore[index]
    return max(numbers, default=0)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_frees_its_place(own: Own, stream: bool) -> None:
    """Also one that waits for a whole answer: nothing has been sent to it that could fail."""
    async with client(own.emulator) as session:
        chats = [
            asyncio.ensure_future(whole(session, max_tokens=900, stream=stream, n=4))
            for _ in range(5)
        ]
        await asyncio.to_thread(wait_until, lambda: load(own.emulator)["generating"] == 8)
        assert load(own.emulator)["waiting"] == 12
        for chat in chats:
            chat.cancel()
        await asyncio.gather(*chats, return_exceptions=True)
    # 20 answers of 900 tokens take much longer than that.
    await asyncio.to_thread(until_idle, own.emulator, 5)
    if not stream:
        assert own.emulator.last_call("chat.create")["status"] == 499


DIFFERENT: list[dict[str, Any]] = [
    {"seed": 1},
    {"seed": 2, "temperature": 1.3, "max_tokens": 40},
    {"seed": 3, "temperature": 0, "logprobs": True, "top_logprobs": 2},
    {"seed": 4, "temperature": 1, "top_p": 0.5, "n": 3},
    {"seed": 5, "temperature": 0.8, "frequency_penalty": 1.5, "presence_penalty": 0.5},
    {"seed": 6, "response_format": {"type": "json_object"}, "max_tokens": 60},
    {"seed": 7, "messages": [{"role": "user", "content": "JSON " * 300}], "temperature": 1.1},
]


async def test_an_answer_is_the_same_alone_and_among_others(own: Own) -> None:
    """Bit by bit: its probabilities too."""

    async def ask(session: AsyncOpenAI, options: dict[str, Any]) -> Any:
        messages: Any = [{"role": "user", "content": "Who are you? Answer as JSON."}]
        wanted: Any = {"messages": messages, "max_tokens": 24, **options}
        answer = await session.chat.completions.create(model="always", **wanted)
        return [choice.to_dict() for choice in answer.choices]

    url = f"{own.emulator.url}/openai/v1/"
    async with AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as session:
        alone = [await ask(session, options) for options in DIFFERENT]
        mixed = DIFFERENT * 3 + [{"temperature": 1.5}] * 10
        together = await asyncio.gather(*(ask(session, options) for options in mixed))
    assert together[: len(DIFFERENT) * 3] == alone * 3


async def test_a_model_that_is_lost_fails_its_own_chats_alone(own: Own) -> None:
    """The adapter's files are gone: whole answers are refused, streams end with an error."""
    with own.emulator.v1() as v1, own.emulator.arm() as arm:
        for name in ("good", "lost"):
            file = upload(v1, dataset())
            job = v1.fine_tuning.jobs.create(
                model=BASE_MODEL, training_file=file, hyperparameters={"n_epochs": 1}
            )
            deploy(arm, name, str(finished(v1, job.id).fine_tuned_model))
    shutil.rmtree(own.state / "adapters" / job.id)
    async with client(own.emulator) as session:
        models = ["good", "lost", "always"] * 8
        answers = await asyncio.gather(*(whole(session, model=model) for model in models))
    assert [answer.status_code for answer in answers] == [200, 500, 200] * 8
    assert "see its output" in answers[1].json()["error"]["message"]
    with own.emulator.v1() as v1, pytest.raises(openai.APIError, match="see its output"):
        list(v1.chat.completions.create(model="lost", messages=QUESTION, stream=True))


def test_more_chats_than_it_holds_are_told_to_come_again(emulator: Running, base: str) -> None:
    emulator.settings(chat_limit=2)
    with emulator.v1() as v1:
        with pytest.raises(openai.RateLimitError, match="high demand") as full:
            v1.chat.completions.create(model=base, messages=QUESTION, n=3)
        assert int(full.value.response.headers["Retry-After"]) > 0
        assert v1.chat.completions.create(model=base, messages=QUESTION, n=2, max_tokens=2)


# A model that is in memory once a file says so.
LATE_MODEL = """
import pathlib, sys, time
from local.emulator.language import model
load, awaited = model._load, pathlib.Path(sys.argv.pop())
def late(*arguments):
    while not awaited.exists():
        time.sleep(0.05)
    return load(*arguments)
model._load = late
from local.emulator.__main__ import main
main()
"""


async def test_chats_that_wait_for_the_model_keep_nothing_else_waiting(tmp_path: Path) -> None:
    """Not an upload either, which needs a thread of the pool."""
    ready = tmp_path / "ready"
    program = (sys.executable, "-c", LATE_MODEL)
    with started(tmp_path / "state", str(ready), program=program) as (emulator, _):
        emulator.settings(creating_seconds=0, readiness_gap_seconds=0)
        with emulator.arm() as arm:
            deploy(arm, "always", "gpt-4.1-nano", "2025-04-14")
        async with client(emulator) as session:
            chats = [asyncio.ensure_future(whole(session)) for _ in range(60)]
            with emulator.v1() as v1:
                assert await asyncio.to_thread(upload, v1, dataset())
            assert not any(chat.done() for chat in chats)
            ready.touch()
            answers = await asyncio.gather(*chats)
    assert {answer.status_code for answer in answers} == {200}


async def test_at_a_signal_those_who_wait_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with started(tmp_path) as (emulator, process), emulator.v1() as v1:
        emulator.settings(creating_seconds=0, readiness_gap_seconds=0)
        with emulator.arm() as arm:
            deploy(arm, "always", "gpt-4.1-nano", "2025-04-14")
        answer_once_ready(v1, "always")
        async with client(emulator) as session:
            chats = [asyncio.ensure_future(whole(session, max_tokens=900)) for _ in range(40)]
            await asyncio.to_thread(wait_until, lambda: load(emulator)["waiting"] == 32)
            process.terminate()
            answers = await asyncio.gather(*chats)
        assert process.wait(timeout=10) == 0
    assert {answer.status_code for answer in answers} == {503}
    assert "stopping" in answers[-1].json()["error"]["message"]
    assert "Traceback" not in capfd.readouterr().err
