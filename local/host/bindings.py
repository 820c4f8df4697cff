"""Turns a blob into what a function's parameter asks for: an SDK client or an InputStream."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

from azure.functions.blob import InputStream
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobClient

from local.host.index import extensions, is_sdk_type


async def blob_argument(annotation: object, connection: str, blob: BlobClient) -> object:
    if is_sdk_type(annotation):
        # Off the loop: StorageStreamDownloader begins its download here, synchronously.
        return await asyncio.to_thread(
            _sdk_client, annotation, connection, blob.container_name, blob.blob_name
        )
    # bytes and str are accepted as annotations, but the worker hands over an InputStream even so.
    download = await blob.download_blob()
    return InputStream(
        data=await download.readall(),
        name=f"{blob.container_name}/{blob.blob_name}",
        uri=blob.url,
        length=download.properties.size,
        blob_properties=_properties(download.properties),
        metadata=dict(download.properties.metadata or {}),
    )


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


def _properties(properties: BlobProperties) -> dict[str, Any]:
    return {
        "ContentLength": properties.size,
        "ContentType": properties.content_settings.content_type,
        "ETag": properties.etag,
        "LastModified": properties.last_modified.isoformat(),
        "BlobType": 1,
    }
