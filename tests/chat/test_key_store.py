"""Keys that are created and revoked while the app runs: what is kept of them, and who knows it."""

import asyncio
import logging
from typing import Any

import pytest

from shared.chat.key_store import FRESH_SECONDS, NAME
from shared.chat.stored_keys import KEY, By, Terms, digest, new_key
from shared.cloud.memory_container import MemoryContainer
from shared.errors import NotFound, NotNow, Unavailable
from tests.chat.keyed import AT, Clock, Storage, store, valid

# ---- what is created


async def test_a_key_is_told_once_and_its_digest_alone_is_kept() -> None:
    storage = Storage()
    key, text = await store(storage).create("web", Terms(models=("captain",)), "ada", "for the web")
    assert KEY.fullmatch(text)
    assert key.sha256 == digest(text)
    kept = await storage.read(NAME)
    assert kept
    assert text.encode() not in kept.data
    assert text.removeprefix("td-").encode() not in kept.data


async def test_no_two_keys_are_alike() -> None:
    by = By.of("ada", AT, "")
    made = [new_key("web", Terms(), by) for _ in range(50)]
    assert len({text for _, text in made}) == len({key.id for key, _ in made}) == 50


async def test_a_name_is_given_to_one_valid_key_and_again_once_that_was_revoked() -> None:
    here = store(Storage())
    first, _ = await here.create("web", Terms(), "ada", "")
    with pytest.raises(NotNow, match="There is a key 'web' already"):
        await here.create("web", Terms(), "bob", "")
    await here.revoke("web", "ada", "leaked")
    second, _ = await here.create("web", Terms(), "ada", "")
    assert first.id != second.id
    assert await valid(here) == ["web"]


async def test_what_was_done_with_a_key_is_kept_in_the_same_write() -> None:
    here = store(Storage())
    await here.create("web", Terms(role="reader"), "ada", "for the web")
    await here.change_terms("web", {"requests_per_minute": 5}, "bob", "too much")
    await here.revoke("web", "eve", "leaked")
    events = (await here.read()).events
    assert [(one.what, one.who, one.why) for one in events] == [
        ("created", "ada", "for the web"),
        ("limited", "bob", "too much"),
        ("revoked", "eve", "leaked"),
    ]
    assert [one.terms.requests_per_minute for one in events] == [None, 5, 5]
    assert {one.terms.role for one in events} == {"reader"}


async def test_what_was_done_stands_in_the_log_without_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    here = store(Storage())
    _, text = await here.create("web", Terms(), "ada", "for the web")
    await here.revoke("web", "bob", "")
    assert "key created: 'web' (chat, id " in caplog.text
    assert "by ada: for the web" in caplog.text
    assert "key revoked: 'web'" in caplog.text
    assert text.removeprefix("td-")[:16] not in caplog.text


async def test_a_key_without_an_acknowledgement_may_be_there_and_that_is_said() -> None:
    storage = Storage()
    storage.forgets_to_say = True
    with pytest.raises(Unavailable, match="Whether the key 'web' was created is not known") as told:
        await store(storage).create("web", Terms(), "ada", "")
    assert "revoke it" in told.value.fix
    assert await valid(store(storage)) == ["web"]


async def test_a_key_whose_write_was_repeated_is_created_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The SDK sends a write again whose answer was lost, and is told that the blob is there."""
    storage = Storage()
    create = MemoryContainer.create

    async def repeated(self: MemoryContainer, *args: Any) -> str:
        await create(self, *args)
        return await create(self, *args)

    monkeypatch.setattr(MemoryContainer, "create", repeated)
    key, text = await store(storage).create("web", Terms(), "ada", "")
    found = await store(storage).current()
    assert [known.sha256 for known in found.valid] == [key.sha256] == [digest(text)]
    assert len(found.events) == 1


async def test_two_processes_that_create_at_once_lose_nothing() -> None:
    storage = MemoryContainer("models")
    stores = [store(storage) for _ in range(4)]
    await asyncio.gather(*(one.create(f"k{n}", Terms(), "a", "") for n, one in enumerate(stores)))
    assert sorted(await valid(store(storage))) == ["k0", "k1", "k2", "k3"]


async def test_of_one_name_that_two_processes_give_at_once_one_is_refused() -> None:
    storage = MemoryContainer("models")
    given = [store(storage).create("web", Terms(), "a", "") for _ in range(3)]
    ended = await asyncio.gather(*given, return_exceptions=True)
    assert len([one for one in ended if isinstance(one, NotNow)]) == 2


# ---- what is changed and revoked


async def test_other_limits_leave_the_rest_as_it_was() -> None:
    here = store(Storage())
    terms = Terms(models=("captain",), requests_per_minute=5, tokens_per_minute=7)
    await here.create("web", terms, "ada", "")
    changed = await here.change_terms("web", {"tokens_per_minute": None}, "ada", "")
    assert (changed.models, changed.requests_per_minute) == (("captain",), 5)
    assert changed.tokens_per_minute is None


async def test_a_key_that_is_not_there_or_was_revoked_is_not_changed() -> None:
    here = store(Storage())
    for change in (here.revoke("web", "", ""), here.change_terms("web", {}, "", "")):
        with pytest.raises(NotFound, match="There is no key 'web'"):
            await change
    await here.create("web", Terms(), "", "")
    await here.revoke("web", "", "")
    with pytest.raises(NotFound, match="was revoked"):
        await here.change_terms("web", {}, "", "")


async def test_to_revoke_once_more_changes_nothing() -> None:
    here = store(Storage())
    await here.create("web", Terms(), "", "")
    first = await here.revoke("web", "ada", "")
    again = await here.revoke("web", "bob", "")
    assert first == again
    assert again.revoked_by == "ada"
    assert len((await here.read()).events) == 2


# ---- who knows of it, and when


async def test_a_process_knows_its_own_changes_at_once() -> None:
    storage, clock = Storage(), Clock()
    here = store(storage, clock)
    assert await valid(here) == []
    await here.create("web", Terms(), "", "")
    assert await valid(here) == ["web"]
    await here.revoke("web", "", "")
    assert await valid(here) == []
    assert clock.now == 100.0


async def test_a_read_that_began_before_a_change_does_not_undo_it() -> None:
    storage, clock = Storage(), Clock()
    here = store(storage, clock)
    await here.create("web", Terms(), "", "")
    clock.now += FRESH_SECONDS + 1
    storage.hangs = True
    asking = asyncio.create_task(here.current())
    await storage.asked.wait()  # it has the list with the key, and is not back
    storage.hangs = False
    clock.now += 0.1
    await here.revoke("web", "", "")
    storage.answers.set()
    await asking
    assert await valid(here) == []


async def test_other_processes_follow_within_the_time_that_is_promised() -> None:
    storage, clock = Storage(), Clock()
    here, there = store(storage, clock), store(storage, clock)
    await here.create("web", Terms(), "", "")
    assert await valid(there) == ["web"]
    await here.revoke("web", "", "")
    clock.now += FRESH_SECONDS + 0.001
    assert await valid(there) == []
    await here.create("bot", Terms(), "", "")
    clock.now += FRESH_SECONDS + 0.001
    assert await valid(there) == ["bot"]


async def test_the_time_counts_from_the_beginning_of_a_read() -> None:
    """What comes back late was so before it came back."""
    storage, clock = Storage(), Clock()
    here, there = store(storage, clock), store(storage, clock)
    await here.create("web", Terms(), "", "")
    storage.hangs = True
    asking = asyncio.create_task(there.current())
    await storage.asked.wait()
    storage.hangs = False
    await here.revoke("web", "", "")
    clock.now += 1.5
    storage.answers.set()
    assert (await asking).valid
    clock.now += FRESH_SECONDS - 1
    assert await valid(there) == []


async def test_many_requests_at_once_read_once() -> None:
    storage, clock = Storage(), Clock()
    here = store(storage, clock)
    await asyncio.gather(*(here.current() for _ in range(200)))
    assert storage.reads == 1
    await asyncio.gather(*(here.current() for _ in range(200)))
    assert storage.reads == 1


async def test_under_steady_requests_none_waits_for_storage() -> None:
    """What is known is read again beside them before it is too old."""
    storage, clock = Storage(), Clock()
    here = store(storage, clock)
    await here.current()
    for second in range(30):
        clock.now += 1
        before = storage.reads
        await here.current()
        assert storage.reads == before, f"second {second}"  # the read has not even begun
        if here._reading:
            await asyncio.wait({here._reading})
    assert 7 <= storage.reads <= 12


async def test_a_request_that_ends_does_not_end_the_read_of_the_others() -> None:
    storage = Storage()
    storage.hangs = True
    here = store(storage)
    first, second = (asyncio.create_task(here.current()) for _ in range(2))
    await storage.asked.wait()
    first.cancel()
    storage.answers.set()
    assert (await second).keys == ()
