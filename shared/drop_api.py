"""The bodies of the routes about drops that are tried before they are made: staged, checked,
dropped, with plan and price.

Reads requests; decides nothing about drops.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from shared import commanding
from shared.answering import error_responses
from shared.api import SECURITY_HEADERS
from shared.errors import CallerError, NotFound, NotNow, Replaced
from shared.printable import shown
from shared.run import staged_drop, trial
from shared.run.context import Context
from shared.run.staging import LARGEST_OF, Staging, role_of, too_large

PATIENCE = 200.0  # seconds; Azure's load balancer gives up an answer after 230
DOCUMENTS = {"report.html": "text/html; charset=utf-8", "report.json": "application/json"}
CLIENT_GONE = "The caller left before the file was there."


@error_responses
async def put(request: Request, ctx: Context) -> Response:
    """Stage a file: the request's body, as it comes. The id is the caller's to choose."""
    staging, name = _staging(request, ctx), request.path_params["name"]
    told = _length(request)
    if told is not None and told > LARGEST_OF[role_of(name)]:
        raise too_large(name, LARGEST_OF[role_of(name)])
    file = await staging.put(name, _body(request), told)
    told_of = {"id": staging.id, "name": file.name, "role": file.role}
    return JSONResponse(told_of | {"size": file.size, "sha256": file.sha256}, 201)


@error_responses
async def staged(request: Request, ctx: Context) -> Response:
    """What is staged under an id."""
    staging = _staging(request, ctx)
    files = await staging.files()
    listed = [
        {"name": name, "role": role_of(name), "size": blob.size} for name, blob in files.items()
    ]
    return JSONResponse({"id": staging.id, "files": listed})


@error_responses
async def order(request: Request, ctx: Context) -> Response:
    """check or drop what is staged, for a model: {"model": …}. With "alone": true a check is of
    these files without what lies in the model's folder. A drop brings `seen` of the check's answer,
    with who and why."""
    action = request.path_params["name"]
    if action not in ORDERS:
        known = ", ".join(ORDERS)
        raise NotFound(f"{shown(action)!r} is not an order.", f"Orders are: {known}.")
    return await ORDERS[action](request, ctx)


async def _check(request: Request, ctx: Context) -> Response:
    staging, given = _staging(request, ctx), await _given(request, "check", ctx, "alone")
    alone = given.body.get("alone", False)
    if not isinstance(alone, bool):
        raise CallerError(f"alone is {shown(str(alone), 40)}.", "Send true or false.")
    try:
        async with asyncio.timeout(PATIENCE):
            found = await trial.try_drop(staging, _model(given), ctx, alone=alone)
    except TimeoutError:
        raise NotNow(
            f"The check has not ended within {PATIENCE:.0f} s.",
            "Try again, or drop the files with `tunedrop push`: they are checked then while nobody "
            "waits.",
        ) from None
    except Replaced as error:
        raise NotNow(error.message, "Check again.") from error
    return JSONResponse({"id": staging.id, **trial.as_told(found)})


async def _drop(request: Request, ctx: Context) -> Response:
    staging, given = _staging(request, ctx), await _given(request, "drop", ctx, "seen")
    model, proof = _model(given), given.body.get("seen")
    told = await staged_drop.drop(staging, model, proof, given.who, given.why, ctx)
    return JSONResponse({"id": staging.id, **told}, 202)


ORDERS = {"check": _check, "drop": _drop}


@error_responses
async def document(request: Request, ctx: Context) -> Response:
    """The report of the last check."""
    staging, name = _staging(request, ctx), request.path_params["name"]
    data = await staging.document(name) if name in DOCUMENTS else None
    if data is None:
        raise NotFound(
            f"There is no {shown(name)!r} of {staging.id}.",
            f"A check makes {' and '.join(DOCUMENTS)}; they are forgotten after a day.",
        )
    return Response(data, media_type=DOCUMENTS[name], headers=SECURITY_HEADERS)


def _staging(request: Request, ctx: Context) -> Staging:
    return Staging(ctx.clients.runs, request.path_params["id"])


async def _given(request: Request, action: str, ctx: Context, *keys: str) -> commanding.Given:
    return await commanding.given(request, action, ("model", *keys), ctx.settings)


def _model(given: commanding.Given) -> str:
    model: Any = given.body.get("model")
    if not isinstance(model, str) or not model:
        raise CallerError("For which model?", 'Send {"model": "…"}.')
    return model


def _length(request: Request) -> int | None:
    told = request.headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else None


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:  # nobody reads this
        raise CallerError(CLIENT_GONE, "Send it again.") from None
