"""An app whose blob trigger looks for blobs, as plain Core Tools lets it, and hears of none."""

import asyncio
import json
import os
from pathlib import Path

import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob

app = func.FunctionApp()


def note(**entry: str) -> None:
    """Let the test know what happened, one line each."""
    with Path(os.environ["JOURNAL"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


@app.blob_trigger(
    "data",
    "%SCANNED%/{name}.jsonl",
    "DataStorage",
    source=func.BlobSource.LOGS_AND_CONTAINER_SCAN,
)
async def found(data: blob.BlobClient) -> None:
    content = await asyncio.to_thread(lambda: data.download_blob().readall())
    note(blob=data.blob_name, content=content.decode())
