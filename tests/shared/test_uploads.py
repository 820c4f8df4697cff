"""An upload is seen whole or not at all, at Azurite and in memory alike."""

from collections.abc import AsyncIterator

import pytest

from shared.cloud.container import Container
from shared.errors import Conflict, Refused


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def text(container: Container, name: str) -> bytes | None:
    found = await container.read(name)
    return found.data if found else None


async def test_an_upload_is_not_seen_before_it_is_committed(
    container: Container, name: str
) -> None:
    upload = await container.upload(name, pieces(b"one ", b"two"), "application/x-ndjson")
    assert await container.info(name) is None
    changes = container.changes
    etag = await upload.commit()
    assert container.changes == changes + 1
    found = await container.info(name)
    assert found
    assert (found.etag, await text(container, name)) == (etag, b"one two")


async def test_an_upload_in_several_blocks_keeps_every_byte(
    container: Container, name: str
) -> None:
    parts = [bytes([number]) * 700_001 for number in range(4)]
    await (await container.upload(name, pieces(*parts), "")).commit()
    assert await text(container, name) == b"".join(parts)


async def test_an_upload_takes_the_place_of_what_lay_there(container: Container, name: str) -> None:
    await container.put(name, b"old", "")
    upload = await container.upload(name, pieces(b"new"), "")
    assert await text(container, name) == b"old"
    await upload.commit()
    assert await text(container, name) == b"new"


async def test_nothing_at_all_may_be_uploaded(container: Container, name: str) -> None:
    await (await container.upload(name, pieces(), "")).commit()
    assert await text(container, name) == b""


async def test_of_two_uploads_at_once_one_is_there_whole(container: Container, name: str) -> None:
    first = await container.upload(name, pieces(b"first"), "")
    second = await container.upload(name, pieces(b"second"), "")
    await first.commit()
    with pytest.raises(Conflict, match=r"meanwhile|another worker"):
        await second.commit()
    assert await text(container, name) == b"first"


async def test_bytes_that_end_in_an_error_leave_nothing(container: Container, name: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        await container.upload(name, broken(), "")
    assert await container.info(name) is None


async def test_an_append_blob_is_not_written_over(container: Container, name: str) -> None:
    await container.append(name, "a line")
    with pytest.raises(Refused) as refused:
        await (await container.upload(name, pieces(b"new"), "")).commit()
    assert "Delete it" in refused.value.fix
    assert await text(container, name) == b"a line\n"
