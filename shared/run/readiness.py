"""The version that an order promotes comes to answer: it is deployed first where it has to be.

Asked for once by the order itself, so that a refusal is told at once; from then on it is a request
like a person's to wake it, and `redeployments` goes on with it.
"""

from datetime import timedelta

from shared.errors import NotNow, Refused, Throttled
from shared.model import deployment
from shared.model.orders import Order
from shared.model.redeploy import Redeployment, RedeployRequests
from shared.model.registry import Version
from shared.run import ceilings, failures, room
from shared.run.context import Context

PATIENCE = timedelta(days=1)  # for a version's deployment; then the order is given up


async def deployed(order: Order, version: Version, ctx: Context) -> str:
    """Empty if the version is awake and answers; otherwise it is deployed, and this is what is
    waited for. Raises NotNow where it cannot be deployed, or has not come to answer for a day."""
    if version.asleep_since is None and await _answers(order, version, ctx):
        return ""
    if ctx.now() - order.at > PATIENCE:
        raise NotNow(
            f"{order.called} has not come to answer for a day. {_goes_on(order)}",
            "Look at the account's activity log in the portal for the reason, then order it again.",
        )
    requests = RedeployRequests(ctx.clients.models, ctx.now)
    if not await requests.is_ordered(order.called):
        await _ask(order, version, requests, ctx)
    known = await requests.state(order.called)
    told = f" {known.told}" if known and known.told else ""
    lacks = "sleeps" if version.asleep_since else "has no deployment that answers"
    said = f"{order.called} {lacks}: it is being deployed."
    return f"{said}{told} {_stays(order)}"


async def _ask(order: Order, version: Version, requests: RedeployRequests, ctx: Context) -> None:
    """For its deployment, once: whatever comes of it, `redeployments` goes on with it by this
    request, with the pauses and as often as for any version. Raises NotNow and Unavailable."""
    if await deployment.find(ctx.clients.deployments, version) is None:
        await _check_ceiling(order, version, ctx)
    try:
        await room.deploy(order.model, version, ctx)
    except Refused as error:
        said = f"{_gone(order)} {error.message} {_goes_on(order)}"
        raise NotNow(said, f"{failures.cure_of(error)} Then order it again.".strip()) from None
    await requests.add_at_once(order.called)
    asked = Redeployment(model=order.called, version=order.version, tries=(ctx.now(),))
    await requests.keep(asked)


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
        raise NotNow(f"{_gone(order)} {failure.message} {_goes_on(order)}", failure.fix)
    await ceilings.give_back_change(run, ctx)


def _gone(order: Order) -> str:
    return f"{order.called} has no deployment, and cannot be deployed."


def _stays(order: Order) -> str:
    return f"Until it answers, {order.before} serves."


def _goes_on(order: Order) -> str:
    return f"{order.before} serves as before."
