"""Events of blobs as Azure documents them: which of them the subscription lets through, which blob
the host makes of one, and that each kind of upload is one run of all of it.

https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage (read 2026-11)
"""

import json
from typing import Any

import pytest
from starlette.requests import Request

from local.host import webhook
from shared.run import reconciler
from tests.infra import bicep
from tests.support.datasets import dataset
from tests.support.drops import explanations, storage, taken
from tests.support.harness import harness
from tests.support.runs import RunHarness

__all__ = ["harness"]

ACCOUNT = "https://acme.{}.core.windows.net/datasets/{}"
LAKE = {"CreateFile", "FlushWithClose", "RenameFile", "CreateDirectory"}


def event(api: str, path: str, size: int, kind: str = "BlobCreated") -> dict[str, Any]:
    url = ACCOUNT.format("dfs" if api in LAKE else "blob", path)
    data: dict[str, Any] = {"api": api, "requestId": "831e1650", "sequencer": "0442"}
    if kind.endswith("Renamed"):
        data |= {"destinationUrl": url, "sourceUrl": f"{url}.tmp"}
    elif kind.startswith("Directory"):
        data |= {"url": url}
    else:
        data |= {"url": url, "eTag": '"0x8D4BCC2E"', "blobType": "BlockBlob"}
        data |= {"contentType": "application/octet-stream", "contentLength": size}
    return {
        "eventType": f"Microsoft.Storage.{kind}",
        "subject": f"/blobServices/default/containers/datasets/blobs/{path}",
        "data": data,
    }


def passes(event: dict[str, Any]) -> bool:
    drops = bicep.read(bicep.INFRA / "subscription.bicep").resource("drops")
    rules = drops.body["properties"]["filter"]
    (api,) = rules["advancedFilters"]
    assert (api["operatorType"], api["key"]) == ("StringIn", "data.api")
    return event["eventType"] in rules["includedEventTypes"] and event["data"]["api"] in [
        *api["values"]
    ]


async def host(event: dict[str, Any]) -> tuple[int, list[str]]:
    """The host's answer, and the names of the blobs that it calls the function with."""
    names: list[str] = []

    async def body() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps([event]).encode()}

    async def enqueue(message: dict[str, str]) -> None:
        assert message["ContainerName"] == "datasets"
        names.append(message["BlobName"])

    headers = [(b"aeg-event-type", b"Notification")]
    scope = {"type": "http", "method": "POST", "headers": headers, "query_string": b""}
    return (await webhook.receive(Request(scope, body), enqueue)).status_code, names


UPLOADS = {
    "at once": [("PutBlob", 1.0)],
    "in blocks": [("PutBlockList", 1.0)],
    "copied": [("CopyBlob", 1.0)],
    "by a data lake's client": [("CreateFile", 0.0), ("", 0.5), ("FlushWithClose", 1.0)],
    "by SFTP": [("SftpCreate", 0.0), ("", 0.0), ("SftpCommit", 1.0)],
    "by a mount": [("PutBlob", 0.0), ("PutBlockList", 1.0)],
    "twice": [("PutBlockList", 1.0), ("PutBlockList", 1.0)],
}


@pytest.mark.parametrize("upload", UPLOADS.values(), ids=UPLOADS)
async def test_an_upload_is_one_run_of_all_of_it(
    harness: RunHarness, upload: list[tuple[str, float]]
) -> None:
    path, content = harness.path("training.jsonl"), dataset(20)
    made = []
    for api, share in upload:
        part = content[: int(len(content) * share)]
        await storage(harness).put(path, part, "")
        if passes(told := event(api, path, len(part))):
            status, names = await host(told)
            assert (status, names) == (202, [path])
            made.append(await taken(harness, path))
    run = made[-1] or made[0]
    assert run
    assert run.training.size == len(content)
    assert [known.id for known in await harness.runs()] == [run.id]
    assert await explanations(harness) == []


UNHEARD = {
    "a flush that does not close": event("CreateFile", "m/training.jsonl", 0),
    "a rename": event("RenameFile", "m/training.jsonl", 0, "BlobRenamed"),
    "a rename by SFTP": event("SftpRename", "m/training.jsonl", 0, "BlobRenamed"),
    "a blob that was rehydrated": event("SetBlobTier", "m/training.jsonl", 1, "BlobTierChanged"),
    "a version that was put back": event("UndeleteBlob", "m/training.jsonl", 1),
}


@pytest.mark.parametrize("told", UNHEARD.values(), ids=UNHEARD)
async def test_what_raises_no_event_that_the_host_understands_is_taken_by_the_sweep(
    harness: RunHarness, told: dict[str, Any]
) -> None:
    assert not passes(told)
    await storage(harness).put("m/training.jsonl", dataset(20), "")
    await harness.pause(3600)
    await reconciler.sweep(harness.ctx)
    assert [run.model for run in await harness.runs()] == ["m"]


async def test_a_rename_would_be_no_blob_to_the_host() -> None:
    """So it is not asked for: Event Grid would try for a day and keep it as undelivered."""
    status, names = await host(UNHEARD["a rename"])
    assert (status, names) == (400, [])


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("CreateDirectory", "DirectoryCreated"),
        ("SftpMakeDir", "DirectoryCreated"),
        ("DeleteBlob", "BlobDeleted"),
        ("SetBlobTier", "AsyncOperationInitiated"),
        ("SftpCreate", "BlobCreated"),
    ],
)
def test_what_is_no_finished_blob_is_not_delivered(api: str, kind: str) -> None:
    assert not passes(event(api, "m/training.jsonl", 0, kind))
