"""Leases of blobs, in Azurite and in memory: one worker at a time."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ServiceRequestError

from shared.cloud import azure_container
from shared.cloud.container import Container
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Conflict

WRITERS = 20


async def test_one_holds_a_lease_at_a_time(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    async with container.lease(name) as mine:
        assert mine
        async with container.lease(name) as theirs:
            assert theirs is None
    async with container.lease(name) as again:
        assert again
        assert again != mine


async def test_of_many_at_once_one_gets_the_lease(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    release = asyncio.Event()
    answered: list[bool] = []

    async def claim() -> None:
        async with container.lease(name) as lease:
            answered.append(lease is not None)
            if len(answered) == WRITERS:
                release.set()
            await release.wait()

    await asyncio.gather(*(claim() for _ in range(WRITERS)))
    assert sorted(answered) == [False] * (WRITERS - 1) + [True]


async def test_a_leased_blob_is_not_written(container: Container, name: str) -> None:
    etag = await container.create(name, b"1")
    async with container.lease(name) as lease:
        with pytest.raises(Conflict):
            await container.put(name, b"2", "text/plain")
        with pytest.raises(Conflict):
            await container.replace(name, b"2", etag)
        with pytest.raises(Conflict):
            await container.create(name, b"2")
        found = await container.read(name)
        assert found
        assert (found.data, found.etag) == (b"1", etag)
        assert lease
    await container.put(name, b"2", "text/plain")


async def test_a_leased_log_takes_no_line(container: Container, name: str) -> None:
    await container.append(name, "one")
    async with container.lease(name) as lease:
        assert lease
        with pytest.raises(Conflict):
            await container.append(name, "two")


async def test_a_leased_blob_is_deleted_by_its_holder(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    async with container.lease(name) as lease:
        with pytest.raises(Conflict):
            await container.delete(name)
        with pytest.raises(Conflict):
            await container.delete(name, str(uuid.uuid4()))
        await container.delete(name, lease)
        assert await container.read(name) is None
        await container.delete(name, lease)  # deleted already


async def test_a_lease_that_is_over_deletes_nothing(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    async with container.lease(name) as lease:
        pass
    with pytest.raises(Conflict):
        await container.delete(name, lease)
    async with container.lease(name):
        with pytest.raises(Conflict):
            await container.delete(name, lease)
    assert await container.read(name)


async def test_a_blob_made_again_has_no_lease(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    async with container.lease(name) as lease:
        await container.delete(name, lease)
        await container.put(name, b"2", "text/plain")
        async with container.lease(name) as other:
            assert other
    assert await container.read(name)


async def test_a_lease_outlives_an_error_in_nobody(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    with pytest.raises(ZeroDivisionError):
        async with container.lease(name):
            raise ZeroDivisionError
    async with container.lease(name) as lease:
        assert lease


async def test_a_lease_is_renewed_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after storage did not answer once; at Azurite it would take half a minute."""
    monkeypatch.setattr(azure_container, "LEASE_SECONDS", 0.003)
    renewals, enough = 0, asyncio.Event()

    class Lease:
        async def renew(self) -> None:
            nonlocal renewals
            renewals += 1
            if renewals == 3:
                enough.set()
            raise ServiceRequestError("no answer")

    renewing = asyncio.create_task(azure_container._renew(Lease()))
    await asyncio.wait_for(enough.wait(), 30)
    renewing.cancel()


async def test_a_live_worker_keeps_its_lease() -> None:
    """In memory; the real one is renewed every ten seconds."""
    now = datetime(2026, 11, 2, tzinfo=UTC)
    container = MemoryContainer("contract", lambda: now)
    await container.put("x", b"", "text/plain")
    async with container.lease("x") as lease:
        now += timedelta(hours=1)
        async with container.lease("x") as other:
            assert other is None
        container.break_leases()  # it was dead after all
        async with container.lease("x") as other:
            assert other
            with pytest.raises(Conflict):
                await container.delete("x", lease)
