"""A rollback under chats: those in flight finish where they began, all instances follow within
five seconds, and none fails."""

import asyncio
import json

import pytest

from shared.chat.callers import Caller
from shared.chat.relay import Relay
from shared.chat.routing import CACHE_SECONDS
from shared.run import promotions
from shared.run.promotions import Asked
from tests.chat import upstream as up
from tests.support.control import ServiceControl
from tests.support.in_process import another_version, in_process
from tests.support.service_parts import StoredDeployment
from tests.support.service_state import MemoryService

CHATS = 50
ANYBODY = Caller(name="web")


def deploy(service: ServiceControl, number: int) -> None:
    assert isinstance(service, MemoryService)
    now, name = service.clock.now(), f"captain-v{number}"
    service.deployed[name] = StoredDeployment(name, f"ft-{number}", now, now, None)


async def test_a_rollback_under_fifty_chats_fails_none_and_every_instance_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with up.upstream() as upstream, in_process(upstream.url, monkeypatch) as app:
        client, relay, runs = app
        await another_version(runs, 2)
        for number in (1, 2):
            deploy(runs.service, number)
        seconds = 1_000.0
        other = Relay(runs.ctx.clients)  # another instance: with a cache of its own
        for each in (relay, other):
            each.router.clock = lambda: seconds
        rolled_back = asyncio.Event()
        whole = up.event("Arr", None), rolled_back, up.event("!", "stop")
        upstream.plan("captain-v2", *[up.stream(*whole)] * (CHATS // 2))

        async def ask(number: int) -> tuple[int, str, str]:
            body = {"model": "captain", "messages": [{"role": "user", "content": f"{number}"}]}
            streams = {"stream": True} if number < CHATS // 2 else {}
            answer = await client.post("/v1/chat/completions", json=body | streams)
            return answer.status_code, answer.headers["x-tunedrop-model"], answer.text

        in_flight = [asyncio.create_task(ask(number)) for number in range(CHATS // 2)]
        while len(upstream.calls) < CHATS // 2:  # noqa: ASYNC110 - all have begun to be answered
            await asyncio.sleep(0.01)
        await other.router.backends("captain", ANYBODY)
        await promotions.give(Asked("captain", None, "Ada"), runs.ctx)
        rolled_back.set()
        during = [asyncio.create_task(ask(number)) for number in range(CHATS // 2, CHATS)]
        answers = await asyncio.gather(*in_flight, *during)
        assert {status for status, *_ in answers} == {200}
        assert [name for _, name, _ in answers[: CHATS // 2]] == ["captain@2"] * (CHATS // 2)
        assert all("[DONE]" in text for *_, text in answers[: CHATS // 2])
        seconds += CACHE_SECONDS + 0.1
        for each in (relay, other):
            first, *_ = await each.router.backends("captain", ANYBODY)
            assert first.name == "captain@1"
        status, name, text = await ask(CHATS)
        assert (status, name) == (200, "captain@1")
        assert json.loads(text)["choices"]


def test_instances_follow_within_the_seconds_that_are_promised() -> None:
    assert CACHE_SECONDS <= 5
