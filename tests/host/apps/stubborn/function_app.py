"""Functions that do not end by themselves, each in another way; `STUBBORN` says which way."""

import asyncio
import atexit
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob
from azurefunctions.extensions.http.fastapi import Request, StreamingResponse

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
KIND = os.environ["STUBBORN"]
FOREVER = 600


def note(**entry: object) -> None:
    with Path(os.environ["JOURNAL"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


atexit.register(note, exit="called")


async def never() -> None:
    match KIND:
        case "thread":
            await asyncio.to_thread(time.sleep, FOREVER)
        case "loop":
            time.sleep(FOREVER)  # noqa: ASYNC251 - the fault that is tried
        case "cancelled":
            while True:
                try:
                    await asyncio.sleep(FOREVER)
                except asyncio.CancelledError:
                    note(swallowed=True)
        case _:
            await asyncio.sleep(FOREVER)


if KIND == "sync":

    @app.timer_trigger("tick", "* * * * * *")
    def tick(tick: func.TimerRequest) -> None:
        note(running="timer")
        time.sleep(FOREVER)

else:

    @app.timer_trigger("tick", "* * * * * *")
    async def tick_async(tick: func.TimerRequest) -> None:
        note(running="timer")
        await never()


@app.blob_trigger("data", "drops/{name}", "DataStorage", source=func.BlobSource.EVENT_GRID)
async def dropped(data: blob.BlobClient) -> None:
    note(running="blob", name=data.blob_name)
    await never()


@app.route("stream")
async def stream(req: Request) -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"data: one\n\n"
            await asyncio.sleep(FOREVER)
        finally:
            note(stream="closed")

    return StreamingResponse(chunks(), media_type="text/event-stream")
