"""One contract for containers: what Azurite and the container in memory both do."""

import asyncio
import gzip
import hashlib
import os
from datetime import timedelta

import pytest
from azure.storage.blob import ContentSettings

from shared.cloud.azure_container import CHUNK, AzureContainer
from shared.cloud.container import (
    LARGEST_RECORD,
    BlobInfo,
    Container,
)
from shared.cloud.documents import Document, as_json
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Conflict, NotFound, Replaced, Unreadable

WRITERS = 20
# aiohttp warns of bodies over 1 MB, which the SDK gives it.
big_bodies = pytest.mark.filterwarnings("ignore:Sending a large body directly")


class Counter(Document):
    count: int = 0


async def info(container: Container, name: str) -> BlobInfo:
    found = await container.info(name)
    assert found
    return found


# ---- documents


async def test_what_is_not_there_is_none_or_nothing(container: Container, name: str) -> None:
    assert await container.read(name) is None
    assert await container.info(name) is None
    assert await container.record(name, Counter) is None
    assert [blob async for blob in container.list(name)] == []
    await container.delete(name)
    async with container.lease(name) as lease:
        assert lease is None


async def test_a_blob_is_created_once(container: Container, name: str) -> None:
    etag = await container.create(name, b"first")
    with pytest.raises(Conflict):
        await container.create(name, b"second")
    found = await container.read(name)
    assert found
    assert (found.data, found.etag) == (b"first", etag)


async def test_only_the_newest_version_is_replaced(container: Container, name: str) -> None:
    first = await container.create(name, b"1")
    second = await container.replace(name, b"2", first)
    assert first != second
    with pytest.raises(Conflict):
        await container.replace(name, b"3", first)
    found = await container.read(name)
    assert found
    assert (found.data, found.etag) == (b"2", second)


async def test_a_blob_that_is_gone_is_not_replaced(container: Container, name: str) -> None:
    etag = await container.create(name, b"1")
    await container.delete(name)
    with pytest.raises(Conflict):
        await container.replace(name, b"2", etag)


async def test_put_writes_whatever_was_there(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    first = await info(container, name)
    await container.put(name, b"22", "text/plain")
    second = await info(container, name)
    assert first.etag != second.etag
    assert (first.size, second.size) == (1, 2)


async def test_the_same_content_again_is_another_version(container: Container, name: str) -> None:
    await container.put(name, b"same", "text/plain")
    first = await info(container, name)
    await container.put(name, b"same", "text/plain")
    assert (await info(container, name)).version != first.version


async def test_an_empty_blob_is_there(container: Container, name: str) -> None:
    await container.put(name, b"", "text/plain")
    found = await container.read(name)
    assert found
    assert found.data == b""
    assert (await info(container, name)).size == 0


async def test_etags_are_the_same_wherever_they_are_told(container: Container, name: str) -> None:
    etag = await container.create(name, b"1")
    found = await container.read(name)
    assert found
    (listed,) = [blob async for blob in container.list(name)]
    assert {etag, found.etag, listed.etag, (await info(container, name)).etag} == {etag}
    assert listed == await info(container, name)


async def test_times_are_whole_seconds_in_utc(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    modified = (await info(container, name)).modified
    assert modified.microsecond == 0
    assert modified.utcoffset() == timedelta(0)


# ---- time


async def test_storage_tells_its_time(container: Container, name: str) -> None:
    await container.put(name, b"1", "text/plain")
    told = await container.time()
    modified = (await info(container, name)).modified
    assert modified <= told <= modified + timedelta(seconds=60)


# ---- bytes


async def test_a_stream_is_one_version_and_no_other(container: Container, name: str) -> None:
    content = bytes(range(256)) * 3_000
    old = await container.create(name, content)
    assert b"".join([chunk async for chunk in container.stream(name, old)]) == content
    await container.replace(name, b"new", old)
    with pytest.raises(Replaced, match="was replaced"):
        [chunk async for chunk in container.stream(name, old)]
    await container.delete(name)
    with pytest.raises(Replaced):
        [chunk async for chunk in container.stream(name, old)]


async def test_an_empty_stream_has_no_bytes(container: Container, name: str) -> None:
    etag = await container.create(name, b"")
    assert b"".join([chunk async for chunk in container.stream(name, etag)]) == b""


async def test_a_digest_is_of_one_version(container: Container, name: str) -> None:
    await container.put(name, b"content", "text/plain")
    blob = await info(container, name)
    assert await container.sha256(blob) == hashlib.sha256(b"content").hexdigest()
    await container.put(name, b"content", "text/plain")
    with pytest.raises(Replaced):
        await container.sha256(blob)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "no such"])
async def test_compressed_bytes_are_given_as_they_are_stored(
    azure: AzureContainer, name: str, encoding: str
) -> None:
    """A few kilobytes may stand for any number; sizes and digests are of what is stored."""
    bomb = gzip.compress(bytes(50 << 20))
    settings = ContentSettings(content_encoding=encoding)
    await azure.client.upload_blob(name, bomb, content_settings=settings)
    blob = await info(azure, name)
    streamed = b"".join([chunk async for chunk in azure.stream(*blob.version)])
    found = await azure.read(name)
    assert found
    assert streamed == found.data == bomb
    assert (blob.size, await azure.sha256(blob)) == (len(bomb), hashlib.sha256(bomb).hexdigest())


@big_bodies
@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK // 2])
async def test_a_stream_is_never_held_whole(container: Container, name: str, size: int) -> None:
    content = os.urandom(size)
    etag = await container.create(name, content)
    chunks = [chunk async for chunk in container.stream(name, etag)]
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= CHUNK
    assert all(chunks)


@big_bodies
async def test_a_stream_ends_where_the_blob_is_replaced_meanwhile(
    container: Container, name: str
) -> None:
    etag = await container.create(name, bytes(3 * CHUNK))
    stream = container.stream(name, etag)
    assert await anext(stream)
    if isinstance(container, MemoryContainer):
        return  # it has all of it at once
    await container.replace(name, bytes(3 * CHUNK), etag)
    with pytest.raises(Replaced, match="was replaced"):
        [chunk async for chunk in stream]


async def test_what_is_read_whole_has_an_end(
    container: Container, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Container._check_size, "__defaults__", (1000,))
    await container.put(name, bytes(1000), "text/plain")
    assert await container.read(name)
    await container.put(name, bytes(1001), "text/plain")
    with pytest.raises(Unreadable, match=r"has 1,001 bytes; at most 1,000 are read\."):
        await container.read(name)


@big_bodies
async def test_a_record_has_an_end(container: Container, name: str) -> None:
    """It is parsed on the event loop."""
    await container.put(name, b'{"count": 1}' + b" " * LARGEST_RECORD, "application/json")
    with pytest.raises(Unreadable, match="at most 4,194,304 are read"):
        await container.record(name, Counter)


# ---- lists


async def test_a_list_is_in_the_order_of_the_names(container: Container, name: str) -> None:
    for last in ("b", "a/2", "a-1", "A", "a/10", "ä", "_"):
        await container.put(f"{name}/{last}", b"", "text/plain")
    await container.put(f"{name}-other", b"", "text/plain")
    names = [blob.name.removeprefix(f"{name}/") async for blob in container.list(f"{name}/")]
    assert names == ["A", "_", "a-1", "a/10", "a/2", "b", "ä"]


@pytest.mark.parametrize("bad", ["../datasets/pager/training.jsonl", "./x", "a/../b", ".."])
async def test_a_name_is_never_a_path(container: Container, bad: str) -> None:
    with pytest.raises(NotFound, match="is not the name of a blob"):
        await container.read(bad)
    with pytest.raises(NotFound):
        await container.put(bad, b"", "text/plain")
    with pytest.raises(NotFound):
        await container.append(bad, "line")
    with pytest.raises(NotFound):
        [blob async for blob in container.list(bad)]


# ---- records and updates


async def test_a_record_is_read_in_its_shape(container: Container, name: str) -> None:
    etag = await container.create(name, as_json(Counter(count=3)))
    assert await container.record(name, Counter) == (Counter(count=3), etag)
    await container.put(name, b'{"count": "many"}', "application/json")
    with pytest.raises(Unreadable, match="cannot be read: 1 of its values"):
        await container.record(name, Counter)


async def test_no_update_is_lost_where_many_write(container: Container, name: str) -> None:
    def count(known: Counter | None) -> Counter:
        return Counter(count=(known.count if known else 0) + 1)

    await asyncio.gather(*(container.update(name, Counter, count) for _ in range(WRITERS)))
    found = await container.record(name, Counter)
    assert found
    assert found[0].count == WRITERS


async def test_an_update_of_nothing_writes_nothing(container: Container, name: str) -> None:
    assert await container.update(name, Counter, lambda known: None) is None
    etag = await container.create(name, as_json(Counter(count=1)))
    assert await container.update(name, Counter, lambda known: None) == Counter(count=1)
    assert await container.update(name, Counter, lambda known: known) == Counter(count=1)
    assert (await info(container, name)).etag == etag


async def test_an_update_that_raises_writes_nothing(container: Container, name: str) -> None:
    etag = await container.create(name, as_json(Counter(count=1)))

    def refuse(known: Counter | None) -> Counter:
        raise NotFound("no such version")

    with pytest.raises(NotFound):
        await container.update(name, Counter, refuse)
    assert (await info(container, name)).etag == etag
