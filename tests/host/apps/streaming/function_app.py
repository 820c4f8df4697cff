"""The app that the host's tests run: every trigger that the host knows, in its smallest form."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob
from azure.functions.timer import TimerRequest
from azurefunctions.extensions.http.fastapi import (
    JSONResponse,
    Request,
    Response,
    StreamingResponse,
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

JOURNAL = Path(os.environ["JOURNAL"])
go_on = asyncio.Event()


def note(**entry: object) -> None:
    """Let the test know what happened, one line each."""
    with JOURNAL.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


@app.route("things/{id}", methods=["GET"])
async def thing(req: Request, context: func.Context) -> JSONResponse:
    return JSONResponse({"id": req.path_params["id"], "function": context.function_name})


@app.route("things/newest", methods=["GET"])
async def newest(req: Request) -> JSONResponse:
    return JSONResponse({"newest": True})


@app.route("files/{*path}", methods=["PUT"])
def store(req: Request) -> Response:
    return Response(req.path_params["path"], 201)


@app.route("locked", auth_level=func.AuthLevel.FUNCTION)
async def locked(req: Request) -> Response:
    return Response("opened")


@app.route("fails")
async def fails(req: Request) -> Response:
    raise ValueError("on purpose")


@app.route("stream")
async def stream(req: Request) -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"data: one\n\n"
            await go_on.wait()
            yield b"data: two\n\n"
            await asyncio.Event().wait()
        finally:
            note(stream="closed")

    return StreamingResponse(chunks(), media_type="text/event-stream")


@app.route("stream/go-on", methods=["POST"])
async def let_it_go_on(req: Request) -> Response:
    go_on.set()
    return Response()


@app.blob_trigger("data", "drops/{name}", "DataStorage", source=func.BlobSource.EVENT_GRID)
async def dropped(data: blob.BlobClient) -> None:
    content = await asyncio.to_thread(lambda: data.download_blob().readall())
    note(blob=f"{data.container_name}/{data.blob_name}", content=content.decode())


@app.blob_trigger("data", "drops/{name}", "DataStorage", source=func.BlobSource.EVENT_GRID)
def read(data: blob.BlobClient, context: func.Context) -> None:
    content = data.download_blob().readall()
    note(
        name=f"{data.container_name}/{data.blob_name}", by=context.function_name, size=len(content)
    )


@app.blob_trigger("data", "drops/{name}", "DataStorage", source=func.BlobSource.EVENT_GRID)
async def refuses(data: blob.BlobClient) -> None:
    note(refused=data.blob_name)
    raise ValueError("not this one")


running = 0


@app.timer_trigger("tick", "* * * * * *")
async def ticks(tick: func.TimerRequest) -> None:
    global running
    running += 1
    note(tick=running)
    await asyncio.sleep(1.2)  # longer than the period: the next tick is due while this one runs
    running -= 1


@app.timer_trigger("tick", "0 0 4 1 1 *")
async def yearly(tick: TimerRequest) -> None:
    logging.getLogger("app").info("The yearly timer was called.")
    note(yearly=tick.past_due, last=tick.schedule_status.get("Last"))
