"""Logs: whoever writes to one, and whatever it has become, no line is lost."""

import asyncio
from typing import Any

import pytest
from azure.core.pipeline import PipelineResponse
from azure.storage.blob.aio import ContainerClient

from shared.cloud import memory_container
from shared.cloud.azure_container import AzureContainer
from shared.cloud.container import LONGEST_LINE, Container, continued
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Refused
from tests.support.stack import StackHarness


async def test_lines_are_added_at_the_end(container: Container, name: str) -> None:
    for line in ("one", "zwölf", ""):
        await container.append(name, line)
    found = await container.read(name)
    assert found
    assert found.data.decode() == "one\nzwölf\n\n"


async def test_no_line_is_lost_where_many_begin_a_log(container: Container, name: str) -> None:
    """The first lines of an hour: whoever makes the log must not empty what is there by then."""
    for log in range(3):
        lines = [f"line {number}" for number in range(12)]
        await asyncio.gather(*(container.append(f"{log}-{name}", line) for line in lines))
        found = await container.read(f"{log}-{name}")
        assert found
        assert sorted(found.data.decode().splitlines()) == sorted(lines)


async def test_a_log_that_another_has_begun_meanwhile_is_not_emptied(
    azure: AzureContainer, stack: StackHarness, name: str
) -> None:
    """Between the answer that there is none and the request that makes it."""
    other = stack.blobs.get_blob_client(azure.name, name)

    def begin(response: PipelineResponse[Any, Any]) -> None:
        if response.http_response.status_code == 404:
            other.create_append_blob()
            other.append_block(b"of another\n")

    client = ContainerClient.from_container_url(
        azure.client.url, azure.client.credential, raw_response_hook=begin
    )
    async with client:
        await AzureContainer(client).append(name, "own")
    assert other.download_blob().readall() == b"of another\nown\n"


async def test_a_log_that_takes_no_more_goes_on_in_a_next_part(
    memory: MemoryContainer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_container, "MAX_BLOCKS", 2)
    for line in ("1", "2", "3", "4", "5"):
        await memory.append(name, line)
    parts = [await memory.read(continued(name, part)) for part in (1, 2, 3)]
    assert [part.data for part in parts if part] == [b"1\n2\n", b"3\n4\n", b"5\n"]


async def test_what_is_no_log_is_left_as_it_is(azure: AzureContainer, name: str) -> None:
    """Whoever puts back a version of a log by hand makes a blob that nothing can be added to."""
    await azure.put(name, b"by hand\n", "text/plain")
    await azure.append(name, "line")
    kept, added = await azure.read(name), await azure.read(continued(name, 2))
    assert kept and added
    assert (kept.data, added.data) == (b"by hand\n", b"line\n")


async def test_a_line_is_whole_or_refused(container: Container, name: str) -> None:
    """Longer ones would be added in pieces, with other lines between them."""
    with pytest.raises(Refused, match="a log takes at most 4,194,304"):
        await container.append(name, "x" * LONGEST_LINE)
    assert await container.info(name) is None
