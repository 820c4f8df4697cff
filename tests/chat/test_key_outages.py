"""Keys while storage is away or holds something else: who is still let in, and what is said."""

import asyncio

import pytest

from shared.chat import key_store
from shared.chat.key_store import FRESH_SECONDS, LAST_KNOWN_SECONDS, NAME, KeysUnknown
from shared.chat.stored_keys import Terms
from shared.errors import Unavailable
from tests.chat.keyed import Clock, Storage, store, valid


async def test_the_last_known_keys_stay_valid_for_some_minutes_and_then_it_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage, clock = Storage(), Clock()
    here = store(storage, clock)
    await here.create("web", Terms(), "", "")
    storage.away = True
    for _ in range(int(LAST_KNOWN_SECONDS) // 10):
        clock.now += 9.9
        assert await valid(here) == ["web"]
    clock.now += 10
    with pytest.raises(KeysUnknown) as told:
        await here.current()
    assert "Storage does not answer." in told.value.message
    assert "TUNEDROP_APP_KEYS work" in told.value.fix
    assert told.value.retry_after
    assert caplog.text.count("cannot be read") == 1
    storage.away = False
    clock.now += 10
    assert await valid(here) == ["web"]


async def test_a_new_process_that_cannot_read_them_says_so_and_not_that_there_are_none() -> None:
    storage = Storage()
    storage.away = True
    with pytest.raises(KeysUnknown):
        await store(storage).current()


async def test_storage_that_hangs_is_waited_for_within_bounds_and_not_by_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_store, "READ_SECONDS", 0.01)
    storage, clock = Storage(), Clock()
    here = store(storage, clock)
    await here.create("web", Terms(), "", "")
    reads = storage.reads
    clock.now += FRESH_SECONDS + 1
    storage.hangs = True
    async with asyncio.timeout(10):
        assert await valid(here) == ["web"]
        assert await valid(here) == ["web"]
        assert storage.reads == reads + 1
        clock.now += key_store.RETRY_SECONDS
        assert await valid(here) == ["web"]
    assert storage.reads == reads + 2


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b'{"keys": [{"name": "web"}]}',
        b'{"schema_version": 99, "keys": [], "events": []}',  # of a newer version of the app
        b'{"keys": {}}',
    ],
)
async def test_a_list_that_cannot_be_understood_lets_nobody_in_and_is_never_written(
    data: bytes,
) -> None:
    storage = Storage()
    await storage.put(NAME, data, "application/json")
    with pytest.raises(KeysUnknown):
        await store(storage).current()
    with pytest.raises(Unavailable):
        await store(storage).create("web", Terms(), "", "")
    kept = await storage.read(NAME)
    assert kept
    assert kept.data == data
