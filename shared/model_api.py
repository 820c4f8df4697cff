"""The bodies of the management routes about models, and the orders that people give about them.

Reads the registry and passes orders on; decides nothing about models.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import ceil
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import commanding, delete_api, model_page
from shared.answering import error_responses, told
from shared.chat import export
from shared.chat.feedback import FeedbackStore
from shared.commanding import Given
from shared.errors import CallerError, NotFound, TunedropError
from shared.kept import kept
from shared.model.registry import Model
from shared.printable import shown
from shared.run import folder, promotions, sleep_orders
from shared.run.context import Context
from shared.run.deletion_plan import target_of_model


@error_responses
@kept
async def models(request: Request, ctx: Context) -> Response:
    """Every model with its versions and its champion, an order that still waits, and what of the
    champion's base model ends within 90 days or has ended."""
    problems: list[TunedropError] = []
    found = await model_page.listed(await ctx.registry.all(problems), ctx, problems)
    return JSONResponse({"models": found, "problems": list(map(told, problems))})


@error_responses
@kept
async def model(request: Request, ctx: Context) -> Response:
    """One model with the state of each version, every change of its champion, and an order that
    still waits. `?at=` a moment that has passed (ISO 8601, UTC unless it says): who was the
    champion then."""
    at = _moment(request.query_params.get("at", ""), ctx.now())
    found = await _load(request.path_params["name"], ctx)
    page = await model_page.page(found, ctx)
    if at is not None:
        page["at"] = _served_at(found, at)
    return JSONResponse(page)


@error_responses
async def order(request: Request, ctx: Context) -> Response:
    """An order about a model, with who and why: 200 once it is carried out, 202 with what it waits
    for while it is not."""
    name, action = request.path_params["name"], request.path_params["order"]
    if action not in ORDERS:
        known = ", ".join(ORDERS)
        raise NotFound(f"{shown(action)!r} is not an order.", f"Orders are: {known}.")
    keys, carry_out = ORDERS[action]
    given = await commanding.given(request, action, keys, ctx.settings)
    return await carry_out(_name(name), given, ctx)


async def _promote(name: str, given: Given, ctx: Context) -> Response:
    number = commanding.number(given.body, "version")
    if number is None:
        raise CallerError("Which version is to be promoted?", 'Send {"version": 2, …}.')
    return await _give(name, given, number, ctx)


async def _roll_back(name: str, given: Given, ctx: Context) -> Response:
    return await _give(name, given, None, ctx)


async def _delete(name: str, given: Given, ctx: Context) -> Response:
    number = commanding.number(given.body, "version")
    return await delete_api.answer(await target_of_model(name, number, ctx), given, ctx)


async def _give(name: str, given: Given, number: int | None, ctx: Context) -> Response:
    expected: object = promotions.SEEN
    if "expected" in given.body:
        expected = commanding.number(given.body, "expected")
    asked = promotions.Asked(name, number, given.who, given.why, expected)
    model, waiting = await promotions.give(asked, ctx)
    return JSONResponse(await model_page.page(model, ctx), 202 if waiting else 200)


async def _sleep(name: str, given: Given, ctx: Context) -> Response:
    model, number, gone = await sleep_orders.sleep(_named(name, given), ctx)
    page = {**await model_page.page(model, ctx), "ordered": number}
    return JSONResponse(page, 200 if gone else 202)


async def _wake(name: str, given: Given, ctx: Context) -> Response:
    model, number, seconds = await sleep_orders.wake(_named(name, given), ctx)
    page = {**await model_page.page(model, ctx), "ordered": number, "usual_seconds": ceil(seconds)}
    return JSONResponse(page, 202)


def _named(name: str, given: Given) -> sleep_orders.Asked:
    number = commanding.number(given.body, "version")
    return sleep_orders.Asked(name, number, given.who, given.why)


# Each with the keys of its body.
Body = Callable[[str, Given, Context], Awaitable[Response]]
ORDERS: dict[str, tuple[tuple[str, ...], Body]] = {
    "promote": (("version", "expected"), _promote),
    "rollback": (("expected",), _roll_back),
    "delete": (("version", *delete_api.KEYS), _delete),
    "sleep": (("version",), _sleep),
    "wake": (("version",), _wake),
}


@error_responses
async def examples(request: Request, feedback: Callable[[], FeedbackStore]) -> Response:
    """A model's rated answers as a dataset to drop."""
    name = _name(request.path_params["name"])
    return await export.examples(request, name, feedback())


# ---- what is shown


def _served_at(model: Model, at: datetime) -> dict[str, Any]:
    """`known` is false before the first change that was kept."""
    change = model.served_at(at)
    return {
        "moment": at.isoformat(timespec="seconds"),
        "known": change is not None,
        "version": change.version if change else None,
        "change": change.model_dump(mode="json") if change else None,
    }


# ---- what is asked for


async def _load(asked: str, ctx: Context) -> Model:
    name = _name(asked)
    found = await ctx.registry.load(name)
    if found is None:
        raise NotFound(f"There is no model {name!r}.", "`tunedrop models` lists them.")
    return found


def _name(asked: str) -> str:
    """Raises NotFound for what can be no model's."""
    if not folder.MODEL.fullmatch(asked):
        raise NotFound(f"There is no model {shown(asked)!r}.", "`tunedrop models` lists them.")
    return asked


def _moment(asked: str, now: datetime) -> datetime | None:
    """Raises CallerError, also for a moment that has not come."""
    if not asked:
        return None
    try:
        moment = datetime.fromisoformat(asked)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CallerError(
            f"{shown(asked, 40)} is no moment.",
            "Write 2026-11-28T14:30 (UTC) or 2026-11-28T14:30+01:00.",
        ) from None
    if moment > now:
        raise CallerError(
            f"{shown(asked, 40)} has not come yet: it is {now:%Y-%m-%dT%H:%M} UTC here.",
            "Give a moment that has passed; without one, the answer says who the champion is now.",
        )
    return moment
