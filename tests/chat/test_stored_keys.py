"""The list of keys that people have created: how long it may become, and what a name may be."""

from datetime import timedelta
from typing import Any

import pytest

from shared.chat import stored_keys
from shared.chat.key_store import NAME, KeyStore
from shared.chat.stored_keys import By, StoredKeys, Terms, new_key
from shared.cloud.container import LARGEST_RECORD
from shared.cloud.documents import as_json
from shared.cloud.memory_container import MemoryContainer
from shared.errors import CallerError, NotNow
from tests.chat.keyed import AT, Clock, Storage, store


def crowded() -> StoredKeys:
    """As many keys and events as may be, each as long as may be."""
    by = By.of("\U0001f600" * 999, AT, "\U0001f600" * 999)
    count, longest = stored_keys.MOST_MODELS, stored_keys.MOST_MODEL_CHARACTERS
    terms = Terms(models=tuple("m" * (longest // count) for _ in range(count)))
    keys = StoredKeys()
    one, _ = new_key("k" * 64, terms, by)
    made = stored_keys.MOST_KEYS + stored_keys.MOST_REVOKED - 1
    many = [one.replace(id=f"{n:012x}", name=f"{'k' * 58}{n:06}") for n in range(made)]
    gone = {"revoked": AT, "revoked_by": by.who}
    many = [
        key.replace(**gone) if n < stored_keys.MOST_REVOKED else key for n, key in enumerate(many)
    ]
    keys = keys.with_key(one, by).replace(keys=tuple(many))
    keys = keys.with_key(one, by)
    return keys.replace(events=keys.events[:1] * stored_keys.MOST_EVENTS)


async def test_the_longest_list_can_be_read_and_is_full() -> None:
    storage, keys = Storage(), crowded()
    assert len(keys.valid) == stored_keys.MOST_KEYS
    assert len(as_json(keys)) < LARGEST_RECORD
    await storage.put(NAME, as_json(keys), "application/json")
    here = store(storage)
    with pytest.raises(NotNow, match="as many as there may be"):
        await here.create("one-more", Terms(), "", "")
    await here.revoke("k" * 64, "ada", "")
    await here.create("one-more", Terms(), "", "")


async def test_of_what_was_revoked_the_newest_and_of_events_the_last_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stored_keys, "MOST_REVOKED", 2)
    monkeypatch.setattr(stored_keys, "MOST_EVENTS", 3)
    now = AT
    here = KeyStore(MemoryContainer("models"), Clock(), lambda: now)
    for name in ("a", "b", "c"):
        await here.create(name, Terms(), "", "")
        now += timedelta(minutes=1)
        await here.revoke(name, "", "")
    keys = await here.read()
    assert [key.name for key in keys.keys] == ["b", "c"]
    assert [one.what for one in keys.events] == ["revoked", "created", "revoked"]
    now += timedelta(days=91)
    await here.create("d", Terms(), "", "")
    assert [key.name for key in (await here.read()).keys] == ["d"]


def test_a_name_is_one_part_of_an_address() -> None:
    for name in ("web", "a", "ada@contoso.com", "web-2", "A.b_c", "k" * 64):
        assert stored_keys.check_name(name) == name
    strange: list[Any] = ["", " web", "a/b", "..", "-a", "a-", "é", "k" * 65, "a\x1b[2J", None, 7]
    for name in strange:
        with pytest.raises(CallerError) as told:
            stored_keys.check_name(name)
        assert "\x1b" not in told.value.message
