"""Azurite as the stack starts it: what it takes from browsers, and names that XML cannot hold."""

import re
import uuid
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.blob.aio import ContainerClient

from shared.cloud.azure_container import AzureContainer
from tests.host.conftest import Host, eventually, watch
from tests.support.strangers import (
    FOREIGN_PAGES,
    OWN_PAGES,
    REFUSED_HOSTS,
    TAKEN_HOSTS,
    Headers,
    ask,
)

# Of XML 1.0: what no document may have, and neighbours that it may.
UNHOLDABLE = ["\x01", "\x00", "\x08", "\x0b", "\x1b", "\x1f", "\ufffe", "\uffff"]
HOLDABLE = ["\t", "\n", "\x7f", "\x85", "\ufffd", "\U0001ffff", "%01", "&<>", "é ☠", " "]


def services(storage: str) -> list[str]:
    found = re.findall(r"\w+Endpoint=(http://[\d.:]+)/", storage)
    assert len(found) == 3
    return found


@pytest.mark.parametrize("name", REFUSED_HOSTS)
def test_a_name_that_leads_here_is_refused(storage: str, name: str) -> None:
    for url in services(storage):
        assert ask(url, "GET", "/devstoreaccount1?comp=list", {}, name)[0] in (400, 403, 431)


@pytest.mark.parametrize("page", FOREIGN_PAGES, ids=str)
def test_a_page_of_another_site_is_refused(storage: str, page: Headers) -> None:
    for url in services(storage):
        for method in ("GET", "PUT", "POST", "DELETE", "OPTIONS"):
            assert ask(url, method, "/devstoreaccount1", page) == (
                403,
                "The page is of another site.",
            )


@pytest.mark.parametrize("name", TAKEN_HOSTS)
def test_names_of_this_machine_are_taken(storage: str, name: str) -> None:
    for url in services(storage):
        _, said = ask(url, "GET", "/devstoreaccount1?comp=list", {}, name)
        assert "of this machine" not in said


@pytest.mark.parametrize("page", OWN_PAGES, ids=str)
def test_what_is_of_no_other_site_is_taken(storage: str, page: Headers) -> None:
    for url in services(storage):
        _, said = ask(url, "GET", "/devstoreaccount1?comp=list", page)
        assert "another site" not in said


@pytest.mark.parametrize("part", [*UNHOLDABLE, *HOLDABLE], ids=ascii)
async def test_a_name_with_any_character_is_listed_beside_the_others(
    part: str, container: str, storage: str
) -> None:
    names = ["a/before.jsonl", f"m{part}m/train{part}.jsonl", "z/after.jsonl"]
    async with ContainerClient.from_connection_string(storage, container) as client:
        blobs = AzureContainer(client)
        for name in names:
            await blobs.create(name, name.encode())
        assert [blob.name async for blob in blobs.list()] == names
        assert [blob.name async for blob in blobs.list("m")] == [names[1]]
        found = await blobs.read(names[1])
        assert found and found.data == names[1].encode()
        await blobs.create(f"{names[1]}.problem.txt", b"why")
        await blobs.delete(names[1])
        assert [blob.name async for blob in blobs.list(f"m{part}")] == [f"{names[1]}.problem.txt"]
        pages = client.walk_blobs(delimiter="/")
        assert [item.name async for item in pages] == ["a/", f"m{part}m/", "z/"]


async def test_every_page_of_a_listing_has_such_a_name_at_its_end(
    container: str, storage: str
) -> None:
    parts = [*UNHOLDABLE, "%", "%01", "%zz", "é"]
    names = sorted(f"{place}{part}{n}" for place in "ab" for part in parts for n in range(2))
    async with ContainerClient.from_connection_string(storage, container) as client:
        for name in names:
            await client.upload_blob(name, b"")
        for size in (1, 3, 5000):
            listed = client.list_blobs(results_per_page=size)
            assert [blob.name async for blob in listed] == names


def test_such_a_blob_reaches_its_function_and_stops_no_other(
    host: Host, container: str, storage: str, blobs: BlobServiceClient, tmp_path: Path
) -> None:
    strange = f"cap\x01\x1b[2Jtain/{uuid.uuid4().hex}.jsonl"
    plain = f"tickets/{uuid.uuid4().hex}.jsonl"
    for name in (strange, plain):
        blobs.get_blob_client(container, name).upload_blob(b"content")
    watcher = watch(tmp_path, container, host.url, "dropped", storage)
    try:
        for name in (strange, plain):
            path = f"{container}/{name}"
            eventually(lambda path=path: path in seen(host), ascii(name))  # type: ignore[misc]
        eventually(lambda: "Delivered tickets/" in watcher.text, "the other event")
    finally:
        watcher.stop()
    for log in (watcher.text, host.text):
        assert "\\x01\\x1b[2Jtain" in log, "the log says which blob"
        assert "\x01" not in log and "\x1b[2J" not in log


def seen(host: Host) -> list[str]:
    return [entry["blob"] for entry in host.journal("blob")]
