"""Orders about a model's champion are carried out: at once where the version answers, else by ticks
once it does. One without a deployment is deployed first (`redeployments` goes on with that), and
the champion stays until it answers.

Each part may be killed anywhere and done again. Knows nothing of HTTP.
"""

import json
import logging
import uuid
from contextlib import suppress
from dataclasses import dataclass

from shared.errors import (
    CallerError,
    Conflict,
    NotFound,
    NotNow,
    TunedropError,
    Unavailable,
)
from shared.model import orders
from shared.model.deletion import Deletions
from shared.model.history import Decision
from shared.model.orders import Order, Orders
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model, Version
from shared.model.states import Cause
from shared.printable import shown
from shared.run import notify, readiness
from shared.run.context import Context
from shared.run.outcome import LogLine, Outcome, apply
from shared.run.record import Action, Command, Run
from shared.run.stages import Event, Stage

log = logging.getLogger(__name__)

MAX_CONFLICTS = 5  # on a run's record, which others write as well
SEEN = object()  # the champion of this moment is the one that was seen


@dataclass(frozen=True, slots=True)
class Asked:
    """`version` is None to roll back. `expected` is the champion that the person has seen, None for
    none, or SEEN."""

    model: str
    version: int | None
    who: str
    why: str = ""
    expected: object = SEEN


async def give(asked: Asked, ctx: Context) -> tuple[Model, Order | None]:
    """Give an order and carry it out as far as it goes now; the model, and the order if it has to
    wait. One that waited before, for another version, is taken back. Raises NotFound for a model or
    version that does not exist; NotNow for one that cannot serve, and where another has changed the
    champion meanwhile: nothing is changed then."""
    model = await _load(asked.model, ctx)
    order = _order(asked, model, ctx)
    await Deletions(ctx.clients.models).check_stays(model.name, model.version(order.version))
    orders.check_promotable(model, order.version)
    if model.champion == order.version:
        await _take_back(order, ctx)
        return model, None
    orders.check_expected(model, order.expected)
    await _check_run(model.version(order.version), ctx)
    order = order.replace(verdict=await _verdict(model.version(order.version), ctx))
    await _take_back(order, ctx)
    await Orders(ctx.clients.models).put(order)
    why = f"{order.verb}: {order.called} is to be the champion, in the place of {order.before}"
    line = LogLine("command", why, order.who, order.why)
    await _log(model.version(order.version), line, ctx)
    waits = await carry_out(order, ctx)
    model = await _load(asked.model, ctx)
    return model, order.replace(waits=waits) if waits else None


async def process(ctx: Context) -> None:
    """Take every order as far as it goes now; what has to wait is left for the next tick."""
    try:
        models = await Orders(ctx.clients.models).all()
    except Unavailable as error:
        log.error("orders could not be read: %s", error)
        return
    for name in models:
        try:
            if order := await Orders(ctx.clients.models).of(name):
                await carry_out(order, ctx)
        except TunedropError as error:
            log.warning("the order about %s is given up: %s", shown(name), error)
        except Exception:
            log.exception("the order about %s went wrong", shown(name))


async def _take_back(newer: Order, ctx: Context) -> None:
    """An order that waits for another version is none any more. One that was carried out a moment
    ago stays: its run is still to be told."""
    store = Orders(ctx.clients.models)
    older, model = await store.of(newer.model), await _load(newer.model, ctx)
    if older is None or older.version in (newer.version, model.champion):
        return
    await _end(older, ctx)
    message = f"{older.verb} was taken back: {newer.called} is to be the champion"
    if version := _version(older, model):
        await _log(version, LogLine("command", message, newer.who, newer.why), ctx)


async def _end(order: Order, ctx: Context) -> None:
    """Whatever has become of it, its version is not deployed for it any more."""
    await RedeployRequests(ctx.clients.models, ctx.now).done(order.called)
    await Orders(ctx.clients.models).done(order)


def _order(asked: Asked, model: Model, ctx: Context) -> Order:
    back = asked.version is None
    expected = model.champion if asked.expected is SEEN else asked.expected
    return Order(
        id=uuid.uuid4().hex,
        model=model.name,
        version=orders.to_roll_back_to(model) if asked.version is None else asked.version,
        expected=expected,
        cause=Cause.ROLLED_BACK if back else Cause.PROMOTED,
        who=asked.who,
        why=asked.why,
        at=ctx.now(),
    )


async def _verdict(version: Version, ctx: Context) -> str:
    """The digest of what the version's run was compared by, whichever way that went; empty where
    there is none that can be read."""
    kept = await ctx.ledger.document(version.run_id, "verdict.json")
    with suppress(ValueError, LookupError, TypeError):
        return str(json.loads(kept or b"{}")["digest"])
    return ""


async def _load(name: str, ctx: Context) -> Model:
    model = await ctx.registry.load(name)
    if model is None:
        raise NotFound(f"There is no model {shown(name)}.", "`tunedrop models` lists them.")
    return model


async def _check_run(version: Version, ctx: Context) -> None:
    """Raises NotNow for a version whose run has not come to its end: that decides by itself."""
    run = await ctx.ledger.load(version.run_id)
    if run and not run.ended:
        raise NotNow(
            f"The run {run.id} of that version is {run.stage}.",
            f"Wait until it has ended (`tunedrop watch {run.id}`), or cancel it.",
        )


async def carry_out(order: Order, ctx: Context) -> str:
    """As far as it goes now; what it waits for, empty once it is carried out. Raises CallerError
    where it cannot be: it is given up then, and its version's run says why."""
    try:
        return await _carry_out(order, ctx)
    except Unavailable as error:
        return await _note(order, str(error), ctx)


async def _carry_out(order: Order, ctx: Context) -> str:
    """Raises Unavailable as well."""
    try:
        model = await _load(order.model, ctx)
        if not orders.is_carried_out(model, order) and model.champion != order.version:
            orders.check_promotable(model, order.version)
            orders.check_expected(model, order.expected)
            if waits := await readiness.deployed(order, model.version(order.version), ctx):
                return await _note(order, waits, ctx)
            await _check_stands(order, ctx)
            model = await _promote(order, ctx)
        await _tell(order, model, ctx)
    except CallerError as error:
        await _give_up(order, error, ctx)
        raise
    await _end(order, ctx)
    return ""


async def _promote(order: Order, ctx: Context) -> Model:
    """Others are told of it once the registry has it."""

    async def change(decision: Decision) -> Model:
        return await orders.promote(ctx.registry, order, decision)

    return await notify.of_change(order.model, orders.decision_of(order, ctx.now()), change, ctx)


async def _check_stands(order: Order, ctx: Context) -> None:
    """Raises NotNow where somebody has taken it back since it was read."""
    if not await Orders(ctx.clients.models).stands(order):
        raise NotNow(
            f"The order to {order.verb} {order.called} was taken back.",
            f"`tunedrop models {order.model}` tells who serves.",
        )


async def _note(order: Order, waits: str, ctx: Context) -> str:
    if waits != order.waits:
        log.info("%s waits: %s", order.called, waits)
        await Orders(ctx.clients.models).note(order, waits)
    return waits


async def _give_up(order: Order, error: CallerError, ctx: Context) -> None:
    await notify.of_given_up(order, error, ctx)
    if version := _version(order, await ctx.registry.load(order.model)):
        message = f"{order.verb} could not be carried out: {error}"
        await _log(version, LogLine("command", message, order.who, order.why), ctx)
    await _end(order, ctx)


def _version(order: Order, model: Model | None) -> Version | None:
    versions = model.versions if model else ()
    return next((version for version in versions if version.version == order.version), None)


# ---- what its run says


async def _tell(order: Order, model: Model, ctx: Context) -> None:
    """A run that is held serves from now on; the log of every other has the change."""
    version = _version(order, model)
    if version is None:
        return
    for _ in range(MAX_CONFLICTS):
        run = await ctx.ledger.load(version.run_id)
        if run is None:
            return
        if run.stage is not Stage.HELD:
            said = f"{order.called} is the champion, in the place of {order.before}"
            await ctx.ledger.log(run.id, LogLine("champion", said, order.who, order.why))
            return
        try:
            await _serve(run, order, ctx)
        except Conflict:
            continue
        return
    raise Unavailable(f"The run {version.run_id} is written by others again and again.")


async def _serve(run: Run, order: Order, ctx: Context) -> None:
    command = Command(action=Action.PROMOTE, who=order.who, why=order.why, at=order.at)
    outcome = Outcome(run.replace(held=""), Event.PROMOTE_COMMANDED)
    before = run.replace(command=command)
    served, _ = apply(before, outcome, ctx.policy, ctx.now(), chance=0)
    await notify.of_end(served, ctx)  # first: nobody comes here again once it is written
    await ctx.ledger.commit(before, outcome)


async def _log(version: Version, line: LogLine, ctx: Context) -> None:
    if await ctx.ledger.load(version.run_id):
        await ctx.ledger.log(version.run_id, line)
