"""Orders about a model's champion are carried out: at once where the version answers, else by ticks
once it does. One without a deployment is deployed first, and the champion stays until it answers.

Each part may be killed anywhere and done again. Knows nothing of HTTP.
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import timedelta

from shared.errors import (
    CallerError,
    Conflict,
    NotFound,
    NotNow,
    Refused,
    Throttled,
    TunedropError,
    Unavailable,
)
from shared.model import deployment, orders
from shared.model.history import Decision
from shared.model.orders import Order, Orders
from shared.model.registry import Model, Version
from shared.model.states import Cause
from shared.printable import shown
from shared.run import ceilings, failures, notify
from shared.run.context import Context
from shared.run.outcome import LogLine, Outcome
from shared.run.record import Action, Command, Run
from shared.run.stages import Event, Stage

log = logging.getLogger(__name__)

PATIENCE = timedelta(days=1)  # for a version's deployment; then the order is given up
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
    wait. Raises NotFound for a model or version that does not exist; NotNow for one that cannot
    serve, and where another has changed the champion meanwhile: nothing is changed then."""
    model = await _load(asked.model, ctx)
    order = _order(asked, model, ctx)
    orders.check_promotable(model, order.version)
    if model.champion == order.version:
        return model, None
    orders.check_expected(model, order.expected)
    await _check_run(model.version(order.version), ctx)
    await Orders(ctx.clients.models).put(order)
    why = f"{order.verb}: {order.called} is to be the champion, in the place of {_before(order)}"
    line = LogLine("command", why, order.who, order.why)
    await _log(model.version(order.version), line, ctx)
    waits = await _as_far_as_it_goes(order, ctx)
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
                await _as_far_as_it_goes(order, ctx)
        except TunedropError as error:
            log.warning("the order about %s is given up: %s", shown(name), error)
        except Exception:
            log.exception("the order about %s went wrong", shown(name))


def _order(asked: Asked, model: Model, ctx: Context) -> Order:
    back = asked.version is None
    expected = model.champion if asked.expected is SEEN else asked.expected
    return Order(
        id=uuid.uuid4().hex,
        model=model.name,
        version=orders.to_roll_back_to(model) if asked.version is None else asked.version,
        expected=expected,  # type: ignore[arg-type]
        cause=Cause.ROLLED_BACK if back else Cause.PROMOTED,
        who=asked.who,
        why=asked.why,
        at=ctx.now(),
    )


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


async def _as_far_as_it_goes(order: Order, ctx: Context) -> str:
    try:
        return await _carry_out(order, ctx)
    except Unavailable as error:
        return await _note(order, str(error), ctx)


async def _carry_out(order: Order, ctx: Context) -> str:
    """What it waits for; empty once it is carried out. Raises CallerError where it cannot be: it is
    given up then, and its version's run says why."""
    try:
        model = await _load(order.model, ctx)
        if not orders.is_carried_out(model, order) and model.champion != order.version:
            orders.check_promotable(model, order.version)
            orders.check_expected(model, order.expected)
            if waits := await _deployed(order, model.version(order.version), ctx):
                return await _note(order, waits, ctx)
            model = await _promote(order, ctx)
        await _tell(order, model, ctx)
    except CallerError as error:
        await _give_up(order, error, ctx)
        raise
    await Orders(ctx.clients.models).done(order)
    return ""


async def _promote(order: Order, ctx: Context) -> Model:
    """Others are told of it once the registry has it."""

    async def change(decision: Decision) -> Model:
        return await orders.promote(ctx.registry, order)

    return await notify.of_change(order.model, orders.decision_of(order), change, ctx)


async def _note(order: Order, waits: str, ctx: Context) -> str:
    if waits != order.waits:
        log.info("%s waits: %s", order.called, waits)
        await Orders(ctx.clients.models).note(order, waits)
    return waits


async def _give_up(order: Order, error: CallerError, ctx: Context) -> None:
    model = await ctx.registry.load(order.model)
    version = (
        next((v for v in model.versions if v.version == order.version), None) if model else None
    )
    if version:
        message = f"{order.verb} could not be carried out: {error}"
        await _log(version, LogLine("command", message, order.who, order.why), ctx)
    await Orders(ctx.clients.models).done(order)


def _version(order: Order, model: Model | None) -> Version | None:
    versions = model.versions if model else ()
    return next((version for version in versions if version.version == order.version), None)


# ---- the version has to answer first


async def _deployed(order: Order, version: Version, ctx: Context) -> str:
    """Empty if the version answers; otherwise it is deployed, and this is what is waited for.
    Raises NotNow where it cannot be deployed, or has not come to answer for a day."""
    if await _answers(order, version, ctx):
        return ""
    if ctx.now() - order.at > PATIENCE:
        raise NotNow(
            f"{order.called} has not come to answer for a day. {_stays(order)}",
            f"`tunedrop deploy {version.run_id}` deploys it in another way.",
        )
    if await deployment.find(ctx.clients.deployments, version) is None:
        await _check_ceiling(order, version, ctx)
    try:
        await deployment.request(ctx.clients.deployments, version)
    except Refused as error:
        run = await ctx.ledger.load(version.run_id)
        failure = failures.of_error(error, run) if run else error
        raise NotNow(f"{_gone(order)} {failure.message} {_stays(order)}", failure.fix) from None
    await ctx.registry.note_hosted(order.model, version.version, ctx.now())
    return f"{order.called} has no deployment that answers: it is being deployed. {_stays(order)}"


async def _answers(order: Order, version: Version, ctx: Context) -> bool:
    try:
        ready = await deployment.probe(ctx.clients.finetuning, version)
    except Throttled:
        return True  # it is there, and busy
    except Refused as error:
        raise NotNow(f"{order.called} does not answer: {error.message}", error.fix) from None
    return ready is deployment.Readiness.READY


async def _check_ceiling(order: Order, version: Version, ctx: Context) -> None:
    """Raises NotNow where its deployment would pass the app's ceiling for hosting."""
    run = await ctx.ledger.load(version.run_id)
    if run is None:
        return
    if failure := await ceilings.reserve_change(run, ctx):
        raise NotNow(f"{_gone(order)} {failure.message} {_stays(order)}", failure.fix)
    await ceilings.give_back_change(run, ctx)


def _gone(order: Order) -> str:
    return f"{order.called} has no deployment, and cannot be deployed."


def _stays(order: Order) -> str:
    return f"Until it answers, {_before(order)} serves."


def _before(order: Order) -> str:
    return f"{order.model}@{order.expected}" if order.expected else "nobody"


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
            said = f"{order.called} is the champion, in the place of {_before(order)}"
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
    await ctx.ledger.commit(run.replace(command=command), outcome)


async def _log(version: Version, line: LogLine, ctx: Context) -> None:
    if await ctx.ledger.load(version.run_id):
        await ctx.ledger.log(version.run_id, line)
