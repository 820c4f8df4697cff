"""Turns a blob into what a function's parameter asks for: a client of the storage SDK."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

from local.host.index import extensions


async def blob_argument(annotation: object, connection: str, container: str, name: str) -> object:
    """Made off the loop: StorageStreamDownloader begins its download here, synchronously."""
    return await asyncio.to_thread(_sdk_client, annotation, connection, container, name)


def _sdk_client(annotation: object, connection: str, container: str, name: str) -> Any:
    """What the real worker does: the extension's own converter, fed with the host's message."""
    base = extensions()
    assert base is not None  # the annotation is its
    data = SimpleNamespace(
        version="1.0",
        source="AzureStorageBlobs",
        content_type="application/json",
        content=json.dumps(
            {"Connection": connection, "ContainerName": container, "BlobName": name}
        ).encode(),
    )
    converter = base.get_binding_registry().get("blobTrigger")
    datum = base.Datum(data, "model_binding_data")
    return converter.decode(datum, trigger_metadata={}, pytype=annotation)
