"""Checks of the app's own records: what they say that waits, or is missing."""

from datetime import timedelta

from shared.doctor.context import Context
from shared.doctor.result import CheckResult, blocked, ok, problem, unknown, warning
from shared.errors import TunedropError
from shared.model.deletion import Deletions
from shared.model.orders import Orders
from shared.model.redeploy import RedeployRequests
from shared.run import orphans
from shared.run.outbox import KEPT_IN_MIND, Outbox


async def redeployments(ctx: Context) -> list[CheckResult]:
    """redeployments | No model waits in vain for its champion to be deployed again."""
    try:
        requests = RedeployRequests(ctx.clients.models)
        models = await requests.requested()
        states = [state for model in models if (state := await requests.state(model))]
    except TunedropError as error:
        return [unknown("redeployments", error.message, error.fix)]
    bad = [state for state in states if state.problem and not state.denied]
    if bad:
        message = " ".join(f"{state.model}@{state.version}: {state.problem}" for state in bad)
        return [problem("redeployments", message, bad[0].fix)]
    waiting = f"; asked for again: {', '.join(models)}" if models else ""
    return [ok("redeployments", f"Nothing is in the way{waiting}.")]


async def orders(ctx: Context) -> list[CheckResult]:
    """orders | Nothing that people have ordered of models (promote, roll back, delete) waits for \
longer than an hour."""
    placed, leaving = Orders(ctx.clients.models), Deletions(ctx.clients.models)
    try:
        waiting = [order for name in await placed.all() if (order := await placed.of(name))]
        going = [one for name in await leaving.all() if (one := await leaving.of(name))]
    except TunedropError as error:
        return [unknown("orders", error.message, error.fix)]
    told = [(order.at, f"{order.verb} {order.called}: {order.waits}") for order in waiting]
    told += [(one.at, f"delete {one.run_id or one.model}: {one.waits}") for one in going]
    late = [said for at, said in told if ctx.now() - at > timedelta(hours=1)]
    if late:
        fix = "Each tick goes on with them; the log of the app has all that is in their way."
        return [warning("orders", " ".join(late), fix)]
    return [ok("orders", f"{len(told)} are under way." if told else "None is under way.")]


async def orphans_known(ctx: Context) -> list[CheckResult]:
    """orphans | By the sweep's last look, no record is missing for what is at the service."""
    try:
        found = await orphans.known(ctx.clients.runs)
    except (TunedropError, ValueError):  # the latter's text may hold the key
        return [unknown("orphans", blocked("storage"))]
    ours = [orphan for orphan in found if orphan.endable or orphan.unwanted]
    others = f"{len(found) - len(ours)} may be another app's."
    if not ours:
        return [ok("orphans", f"The sweep knows of none that is surely this app's; {others}")]
    listed = ", ".join(f"{orphan.kind} {orphan.id} ({orphan.price})" for orphan in ours[:3])
    fix = f"Have the sweep end them: {ctx.setting_command('TUNEDROP_END_ORPHANS', 'on')}"
    if ctx.settings.end_orphans == "on":
        fix = "The sweep ends what it has known for an hour; see reconciler/orphans.json."
    return [warning("orphans", f"{len(ours)} that no record knows: {listed}; {others}", fix)]


async def notifications(ctx: Context) -> list[CheckResult]:
    """notifications | What others are told arrives: nothing is in the way, and nothing was given \
up lately."""
    names = ctx.clients.receivers.names
    if not names:
        return [ok("notifications", "Nobody is told: neither a webhook nor a topic is set.")]
    outbox = Outbox(ctx.clients.runs)
    try:
        troubles, waiting = await outbox.troubles(), len(await outbox.waiting())
    except (TunedropError, ValueError):  # the latter's text may hold the key
        return [unknown("notifications", blocked("storage"))]
    found = [(name, troubles.of(name)) for name in names]
    for name, trouble in found:
        if trouble.failures:
            message = f"None arrives ({name}) since {trouble.since:%Y-%m-%d %H:%M} UTC; "
            message += f"{waiting} wait. {trouble.problem}"
            return [problem("notifications", message, trouble.fix)]
    for name, trouble in found:
        if trouble.given_up_at and ctx.now() - trouble.given_up_at < KEPT_IN_MIND:
            message = f"{trouble.given_up} were given up ({name}), the last one at "
            message += f"{trouble.given_up_at:%Y-%m-%d %H:%M} UTC: {trouble.given_up_why}"
            fix = "The app's log names each; `tunedrop runs` and `tunedrop models` say what is so."
            return [warning("notifications", message, fix)]
    return [ok("notifications", f"They arrive ({', '.join(names)}); {waiting} wait.")]
