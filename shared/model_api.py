"""The bodies of the management routes about models, and the orders that people give about them.

Reads the registry and passes orders on; decides nothing about models.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import commanding
from shared.answering import error_responses, told
from shared.chat import export
from shared.chat.feedback import FeedbackStore
from shared.errors import CallerError, NotFound, TunedropError
from shared.model.lifecycle import lifecycle
from shared.model.orders import Orders
from shared.model.registry import Model
from shared.printable import shown
from shared.run import folder, promotions
from shared.run.context import Context

BY_WHOM = ("who", "why")  # of the body of each order
LARGEST_NUMBER = 10**6  # of a version


@error_responses
async def models(ctx: Context) -> Response:
    """Every model with its versions and its champion, and what of the champion's base model ends
    within 90 days or has ended."""
    problems: list[TunedropError] = []
    found = [_shown(model, ctx) for model in await ctx.registry.all(problems)]
    return JSONResponse({"models": found, "problems": list(map(told, problems))})


@error_responses
async def model(request: Request, ctx: Context) -> Response:
    """One model with the state of each version, every change of its champion, and an order that
    still waits. `?at=` a moment (ISO 8601, UTC unless it says): who was the champion then."""
    at = _moment(request.query_params.get("at", ""))
    found = await _load(request.path_params["name"], ctx)
    page = await _page(found, ctx)
    if at is not None:
        page["at"] = _served_at(found, at)
    return JSONResponse(page)


@dataclass(frozen=True, slots=True)
class Given:
    """An order as it came: the model's name, what the body says, and in whose name."""

    name: str
    body: Mapping[str, Any]
    who: str
    why: str


@error_responses
async def order(request: Request, ctx: Context) -> Response:
    """An order about a model, with who and why: 200 once it is carried out, 202 with what it waits
    for while it is not."""
    name, action = request.path_params["name"], request.path_params["order"]
    if action not in ORDERS:
        known = ", ".join(ORDERS)
        raise NotFound(f"{shown(action)!r} is not an order.", f"Orders are: {known}.")
    body = await commanding.body(request)
    keys, carry_out = ORDERS[action]
    if unknown := body.keys() - {*keys, *BY_WHOM}:
        allowed = ", ".join((*keys, *BY_WHOM))
        raise CallerError(
            f"{shown(min(unknown), 40)} is not a key of {action}.", f"Keys are {allowed}."
        )
    who, why = commanding.who_and_why(body, request, ctx.settings)
    return await carry_out(Given(_name(name), body, who, why), ctx)


async def _promote(given: Given, ctx: Context) -> Response:
    number = _number(given.body, "version")
    if number is None:
        raise CallerError("Which version is to be promoted?", 'Send {"version": 2, …}.')
    return await _give(given, number, ctx)


async def _roll_back(given: Given, ctx: Context) -> Response:
    return await _give(given, None, ctx)


async def _give(given: Given, number: int | None, ctx: Context) -> Response:
    expected: object = promotions.SEEN
    if "expected" in given.body:
        expected = _number(given.body, "expected")
    asked = promotions.Asked(given.name, number, given.who, given.why, expected)
    model, waiting = await promotions.give(asked, ctx)
    return JSONResponse(await _page(model, ctx), 202 if waiting else 200)


# Each with the keys of its body.
ORDERS: dict[str, tuple[tuple[str, ...], Callable[[Given, Context], Awaitable[Response]]]] = {
    "promote": (("version", "expected"), _promote),
    "rollback": (("expected",), _roll_back),
}


@error_responses
async def examples(request: Request, feedback: Callable[[], FeedbackStore]) -> Response:
    """A model's rated answers as a dataset to drop."""
    name = _name(request.path_params["name"])
    return await export.examples(request, name, feedback())


# ---- what is shown


async def _page(model: Model, ctx: Context) -> dict[str, Any]:
    waiting = await Orders(ctx.clients.models).of(model.name)
    page = _shown(model, ctx)
    page["rollback"] = model.champion_before
    page["order"] = waiting.model_dump(mode="json", exclude={"schema_version"}) if waiting else None
    return page


def _shown(model: Model, ctx: Context) -> dict[str, Any]:
    page = model.model_dump(mode="json")
    for version in page["versions"]:
        version["state"] = model.state_of(version["version"])
    offers, told_on = ctx.clients.account.told
    page["lifecycle"] = lifecycle(model, ctx.now().date(), offers, told_on)
    return page


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
        raise NotFound(f"There is no model {name!r}.", "GET /api/models lists them.")
    return found


def _name(asked: str) -> str:
    """Raises NotFound for what can be no model's."""
    if not folder.MODEL.fullmatch(asked):
        raise NotFound(f"There is no model {shown(asked)!r}.", "GET /api/models lists them.")
    return asked


def _number(body: Mapping[str, Any], key: str) -> int | None:
    """The number of a version; None for null, or where the key is missing. Raises CallerError."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < LARGEST_NUMBER:
        raise CallerError(
            f"{key} is {shown(str(value), 40)}, which is no number of a version.",
            "Write a whole number: 2 for MODEL@2.",
        )
    return value


def _moment(asked: str) -> datetime | None:
    """Raises CallerError."""
    if not asked:
        return None
    try:
        moment = datetime.fromisoformat(asked)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CallerError(
            f"{shown(asked, 40)} is no moment.",
            "Write 2026-11-28T14:30 (UTC) or 2026-11-28T14:30+01:00.",
        ) from None
