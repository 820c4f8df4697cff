"""The doctor tells who may chat, also by keys that were created."""

from typing import cast

import pytest

from shared.chat.key_store import NAME, KeyStore
from shared.chat.stored_keys import Terms
from shared.cloud.memory_container import MemoryContainer
from shared.cloud.rest import RestClient
from shared.doctor import app
from shared.doctor.context import Context
from shared.doctor.result import CheckResult, State
from shared.errors import Unavailable
from tests.support.limits import with_settings
from tests.support.runs import RunHarness
from tests.support.settings import IN_MEMORY

WEB = f"web:{'ab' * 32}"


@pytest.fixture
def runs() -> RunHarness:
    return RunHarness.in_memory(IN_MEMORY, "m")


async def looked_at(runs: RunHarness, app_keys: str = "") -> CheckResult:
    with_settings(runs, app_keys=app_keys)
    clients = runs.ctx.clients
    ctx = Context({}, runs.ctx.now, 0, clients.settings, {}, clients, cast(RestClient, None))
    (result,) = await app.app_keys(ctx)
    return result


async def test_created_keys_let_people_chat_without_a_setting(runs: RunHarness) -> None:
    nobody = await looked_at(runs)
    assert nobody.state is State.WARNING
    assert "tunedrop keys create" in nobody.fix
    store = KeyStore(runs.ctx.clients.models)
    for name in ("a", "b"):
        await store.create(name, Terms(), "Ada", "")
    await store.revoke("a", "Ada", "")
    found = await looked_at(runs)
    assert (found.state, found.message) == (State.OK, "May chat: 1 created key.")
    assert (await looked_at(runs, WEB)).message == "May chat: web, 1 created key."


async def test_a_list_that_cannot_be_read_is_a_problem(runs: RunHarness) -> None:
    await runs.ctx.clients.models.put(NAME, b"{", "application/json")
    found = await looked_at(runs, WEB)
    assert found.state is State.PROBLEM
    assert "keys/stored cannot be read" in found.message


async def test_storage_that_is_away_is_no_news_of_keys(
    runs: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*args: object) -> None:
        raise Unavailable("Storage does not answer.")

    monkeypatch.setattr(MemoryContainer, "read", away)
    assert (await looked_at(runs, WEB)).message == "May chat: web."
    assert (await looked_at(runs)).state is State.UNKNOWN
