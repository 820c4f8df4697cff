"""One mistake per function; `--check` must find them all."""

import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, Response, StreamingResponse

app = func.FunctionApp()


@app.blob_trigger("data", "drops/{name}", "DataStorage", source=func.BlobSource.EVENT_GRID)
def takes_name(data: func.InputStream, name: str) -> None: ...


@app.route("Admin/settings")
def taken(req: Request) -> Response:  # type: ignore[empty-body]
    ...


@app.timer_trigger("tick", "61 * * * * *")
def never(tick: func.TimerRequest) -> None: ...


@app.route("old")
def old(req: func.HttpRequest) -> Response:
    return Response()


@app.route("either")
async def either(req: Request) -> Response | StreamingResponse:
    return Response()


@app.queue_trigger("item", "jobs", "DataStorage")
def queued(item: func.QueueMessage) -> None: ...


@app.route("things/{id:int}")
async def numbered(req: Request) -> Response:
    return Response()


@app.route("same", methods=["GET"])
async def same(req: Request) -> Response:
    return Response()


@app.route("Same", methods=["GET", "POST"])
async def same_again(req: Request) -> Response:
    return Response()
