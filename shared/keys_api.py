"""The bodies of the routes about keys: who may use the app, how much each key has used, and the
orders by which keys are created, limited and revoked.

Knows requests and answers; what a key is and when it stops is the store's. A key's text is in one
answer, that to the order which has created it.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import commanding
from shared.answering import error_responses, told
from shared.chat.callers import MAX_LIMIT, Caller, KeyHolder, Role
from shared.chat.relay import Relay
from shared.chat.setting_keys import SETTING
from shared.chat.stored_keys import (
    MODEL_NAME,
    MOST_MODEL_CHARACTERS,
    MOST_MODELS,
    Event,
    StoredKey,
    StoredKeys,
    Terms,
    check_models,
    check_name,
    taken,
)
from shared.chat.usage_days import MOST_DAYS, Totals
from shared.commanding import Given
from shared.errors import CallerError, NotFound, NotNow, TunedropError
from shared.printable import shown
from shared.run.context import Context

DAYS = 30  # of usage, where a request does not say
LIMITS = ("requests_per_minute", "tokens_per_minute")
TERMS = ("models", *LIMITS)
ONCE = {"cache-control": "no-store"}  # of the answer with a key

Used = dict[tuple[str, str], Totals]


@error_responses
async def keys(request: Request, relay: Relay, ctx: Context) -> Response:
    """Every key with its terms and what it has used by day and model, in the last `?days=`. Where
    storage cannot be read, the keys of the setting, and what is in the way."""
    days = _days(request.query_params.get("days", ""))
    problems: list[TunedropError] = []
    stored, used = StoredKeys(), Used()
    try:
        stored = await relay.keys.read()
        used = await _used(relay, days)
    except TunedropError as error:
        problems.append(error)
    page = _page(relay.auth.callers, stored, used)
    return JSONResponse({**page, "days": days, "problems": list(map(told, problems))})


@error_responses
async def create(request: Request, relay: Relay, ctx: Context) -> Response:
    """A new key: 201 with its text as `key`, which is told this once."""
    given = await commanding.given(request, "create", ("name", "role", *TERMS), ctx.settings)
    name = check_name(given.body.get("name"))
    if _of_setting(name, relay):
        raise taken(name)
    terms = Terms(role=_role(given.body.get("role")), **_changes(given.body))
    check_models(terms.role, terms.models)
    key, text = await relay.keys.create(name, terms, given.who, given.why)
    told = {**_stored(key, Totals()), "absent": await _absent(key, relay)}
    return JSONResponse({**told, "key": text}, 201, ONCE)


@error_responses
async def order(request: Request, relay: Relay, ctx: Context) -> Response:
    """`limit` or `revoke` of a created key: 200 with the key as it is then."""
    name, action = request.path_params["name"], request.path_params["order"]
    if action not in ORDERS:
        known = ", ".join(ORDERS)
        raise NotFound(f"'{shown(action)}' is not an order.", f"Orders are: {known}.")
    allowed, carry_out = ORDERS[action]
    given = await commanding.given(request, action, allowed, ctx.settings)
    created = any(key.name == name for key in (await relay.keys.read()).valid)
    if not created and _of_setting(name, relay):
        raise NotNow(
            f"The key '{shown(name)}' stands in the setting {SETTING}: nothing is changed here.",
            f"Change or remove its entry in {SETTING}; the app begins anew with what it says then.",
        )
    key, used = await carry_out(name, given, relay), Used()
    with suppress(TunedropError):  # it is carried out all the same
        used = await _used(relay, DAYS)
    told = _stored(key, used.get((key.name, key.id), Totals()))
    return JSONResponse({**told, "absent": await _absent(key, relay)})


async def _absent(key: StoredKey, relay: Relay) -> list[str]:
    """Of the models that a key names those that nobody can chat with now: they may come, or be
    misspelt. None where that cannot be told."""
    there = set(key.models or ())
    with suppress(TunedropError):
        offered = await relay.router.offered(Caller(name=key.name))
        there = {one.name.partition("@")[0] for one in offered}
    return [name for name in key.models or () if name not in there]


async def _used(relay: Relay, days: int) -> Used:
    """By all instances as they have written it, and by this one until now."""
    await relay.key_usage.flush()
    return await relay.usage_days.totals(relay.key_usage.clock().date(), days)


async def _limit(name: str, given: Given, relay: Relay) -> StoredKey:
    changes = _changes(given.body)
    if not changes:
        raise CallerError(
            "Which limit is to be another?", f"Send one of {', '.join(TERMS)}; null for none."
        )
    was = _was(given.body.get("was"))
    return await relay.keys.change_terms(name, changes, given.who, given.why, was)


async def _revoke(name: str, given: Given, relay: Relay) -> StoredKey:
    was = _was(given.body.get("was"))
    return await relay.keys.revoke(name, given.who, given.why, was)


# Each with the keys of its body.
Body = Callable[[str, Given, Relay], Awaitable[StoredKey]]
ORDERS: dict[str, tuple[tuple[str, ...], Body]] = {
    "limit": ((*TERMS, "was"), _limit),
    "revoke": (("was",), _revoke),
}


# ---- what is shown


def _page(setting: list[KeyHolder], stored: StoredKeys, used: Used) -> dict[str, Any]:
    """Those that are valid by name, then the revoked ones, the newest first."""
    by_name = sorted(stored.valid, key=lambda key: key.name)
    gone = [key for key in stored.keys if key.revoked]
    gone.sort(key=lambda key: str(key.revoked), reverse=True)
    named = {(key.name, "") for key in setting} | {(key.name, key.id) for key in stored.keys}
    people = used.get(("", ""), Totals())
    listed = [_of_the_setting(key, used) for key in sorted(setting, key=lambda key: key.name)]
    listed += [_stored(key, used.get((key.name, key.id), Totals())) for key in (*by_name, *gone)]
    return {
        "keys": listed,
        "people": people.as_json(),
        "removed": [
            {"name": name, "id": id, **totals.as_json()}
            for (name, id), totals in sorted(used.items())
            if (name, id) not in {*named, ("", "")}
        ],
        "events": [_event(event) for event in reversed(stored.events)],
    }


def _of_the_setting(key: KeyHolder, used: Used) -> dict[str, Any]:
    return {
        "name": key.name,
        "id": "",
        "source": "setting",
        "state": "valid",
        "role": key.role,
        "models": None if key.models is None else sorted(key.models),
        **{limit: getattr(key, limit) for limit in LIMITS},
        "since": None,
        "by": None,
        "revoked": None,
        **used.get((key.name, ""), Totals()).as_json(),
    }


def _stored(key: StoredKey, totals: Totals) -> dict[str, Any]:
    page = key.model_dump(mode="json", exclude={"sha256", "revoked", "revoked_by"})
    ended = {"at": key.revoked.isoformat(), "by": key.revoked_by} if key.revoked else None
    state = {"source": "created", "state": "revoked" if key.revoked else "valid", "revoked": ended}
    return {**page, **state, **totals.as_json()}


def _event(event: Event) -> dict[str, Any]:
    page = event.model_dump(mode="json", exclude={"terms"})
    return {**page, **event.terms.model_dump(mode="json")}


# ---- what is asked for


def _of_setting(name: str, relay: Relay) -> bool:
    return any(key.name == name for key in relay.auth.callers)


def _days(asked: str) -> int:
    """Raises CallerError."""
    if not asked:
        return DAYS
    if not re.fullmatch(r"[1-9][0-9]?", asked) or int(asked) > MOST_DAYS:
        raise CallerError(
            f"'{shown(asked, 40)}' is no number of days.", f"Ask for 1 to {MOST_DAYS}."
        )
    return int(asked)


def _role(asked: object) -> Role:
    """Raises CallerError."""
    if asked is None:
        return Role.CHAT
    if asked not in list(Role):
        raise CallerError(f"'{shown(str(asked), 40)}' is no role.", f"Roles: {', '.join(Role)}.")
    return Role(str(asked))


def _changes(body: Any) -> dict[str, Any]:
    """Of the terms those that a body names. Raises CallerError."""
    changes: dict[str, Any] = {
        limit: _per_minute(limit, body[limit]) for limit in LIMITS if limit in body
    }
    return changes | ({"models": _models(body["models"])} if "models" in body else {})


def _was(asked: object) -> dict[str, Any]:
    """What a key must be when it is changed, as the list has shown it to whoever gives the order.
    Raises CallerError."""
    if asked is None:
        return {}
    if not isinstance(asked, dict) or asked.keys() - {"id", *TERMS}:
        raise CallerError(
            "was is not what a key can have been.", f"Send id, {', '.join(TERMS)}, or some of them."
        )
    id = {"id": asked["id"]} if "id" in asked else {}
    if not all(isinstance(value, str) for value in id.values()):
        raise CallerError("The id in was is no text.", "Send it as the list of keys has it.")
    return id | _changes(asked)


def _per_minute(limit: str, asked: object) -> int | None:
    if asked is None:
        return None
    if type(asked) is not int or not 0 < asked <= MAX_LIMIT:
        raise CallerError(
            f"{limit} is {shown(str(asked), 40)}.",
            f"Send a whole number from 1 to {MAX_LIMIT:,}, or null for no limit.",
        )
    return asked


def _models(asked: object) -> tuple[str, ...] | None:
    if asked is None:
        return None
    if not isinstance(asked, list) or not all(isinstance(name, str) for name in asked):
        raise CallerError(
            "models is no list of names.", "Send the names of models, or null for all of them."
        )
    for name in asked:
        if not MODEL_NAME.fullmatch(name):
            raise CallerError(
                f"'{shown(name, 60)}' is no name of a model.",
                "Write captain for all versions of captain; a key is not for one version alone."
                if "@" in name
                else "Write the name of a model or of a base deployment.",
            )
    if len(asked) > MOST_MODELS or sum(map(len, asked)) > MOST_MODEL_CHARACTERS:
        raise CallerError(
            f"models has {len(asked)} names with {sum(map(len, asked)):,} characters.",
            f"A key names at most {MOST_MODELS}, of {MOST_MODEL_CHARACTERS:,} characters together.",
        )
    return tuple(sorted(set(asked)))
