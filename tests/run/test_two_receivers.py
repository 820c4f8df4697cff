"""Where a webhook and a topic are told, each has each once, however the other fares."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from shared.run import delivery
from tests.support.receiver import Receiver, add, minutes, receiver, told, waiting


@pytest.fixture
async def topic() -> AsyncIterator[Receiver]:
    async with receiver(200) as one:
        yield one


class _Identity:
    async def get_token(self, *scopes: str, **_: Any) -> Any:
        return AccessToken("token", 2**40)

    async def close(self) -> None:
        pass


async def test_each_receiver_has_each_once_however_the_other_fares(
    there: Receiver, topic: Receiver
) -> None:
    async with told(there, event_grid_topic=topic.url) as telling:
        telling.ctx.clients.__dict__["_credential"] = _Identity()
        there.status = 503
        await add(telling, "one", "two")
        await minutes(telling, 10)
        assert [json.loads(request.body)[0]["id"] for request in topic.requests] == ["one", "two"]
        assert sorted(await waiting(telling)) == ["one", "two"]
        there.status, failed = 200, len(there.requests)
        await minutes(telling, 20)
        assert there.ids[failed:] == ["one", "two"]
        assert len(topic.requests) == 2
        assert await waiting(telling) == []


async def test_a_receiver_that_is_named_no_more_keeps_nothing_waiting(
    there: Receiver, topic: Receiver
) -> None:
    async with told(there, event_grid_topic=topic.url) as telling:
        telling.ctx.clients.__dict__["_credential"] = _Identity()
        there.status = 503
        await add(telling, "one")
        await minutes(telling, 2)
        telling.ctx.clients.settings = telling.ctx.clients.receivers.settings = replace(
            telling.ctx.settings, webhook_url=""
        )
        await minutes(telling, 1)
        assert await waiting(telling) == []


async def test_what_waits_for_one_stands_in_no_others_way(
    there: Receiver, topic: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST", 3)
    async with told(there, event_grid_topic=topic.url) as telling:
        telling.ctx.clients.__dict__["_credential"] = _Identity()
        there.status = 503
        ids = [f"n{number}" for number in range(9)]
        for first in (0, 3, 6):
            await add(telling, *ids[first : first + 3])
            await minutes(telling, 1)
    assert [json.loads(request.body)[0]["id"] for request in topic.requests] == ids
