"""Checks of the app's own records: what they say that waits, or is missing."""

from shared.doctor.context import Context
from shared.doctor.result import CheckResult, blocked, ok, problem, unknown, warning
from shared.errors import TunedropError
from shared.model.redeploy import RedeployRequests
from shared.run import orphans


async def redeployments(ctx: Context) -> list[CheckResult]:
    """redeployments | No model waits in vain for its champion to be deployed again."""
    try:
        requests = RedeployRequests(ctx.clients.models)
        models = await requests.requested()
        states = [state for model in models if (state := await requests.state(model))]
    except TunedropError as error:
        return [unknown("redeployments", error.message, error.fix)]
    bad = [state for state in states if state.problem]
    if bad:
        message = " ".join(f"{state.model}@{state.version}: {state.problem}" for state in bad)
        return [problem("redeployments", message, bad[0].fix)]
    waiting = f"; asked for again: {', '.join(models)}" if models else ""
    return [ok("redeployments", f"Nothing is in the way{waiting}.")]


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
