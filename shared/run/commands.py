"""What may be asked of a run: start, cancel, pause, resume, retry, deploy; and how it is carried
out.

A command is written into the run's record with who gave it and why; whoever holds the claim on the
run carries it out, and it stays in the record until that is done. Knows nothing of HTTP.
"""

from collections.abc import Awaitable, Callable

from shared.errors import Conflict, NotFound, NotNow, Refused, Unavailable
from shared.model.redeploy import RedeployRequests
from shared.run import deploying, ending, failures, jobs
from shared.run.context import Context
from shared.run.outcome import LogLine, Outcome
from shared.run.record import Action, Command, Run
from shared.run.spec import AskedDeployment, DeploymentSpec
from shared.run.stages import ACTIVE, DEPLOYED, ENDS, Event, Stage

ALLOWED: dict[Action, frozenset[Stage]] = {
    Action.START: frozenset({Stage.READY}),
    Action.CANCEL: ACTIVE,
    Action.PAUSE: frozenset({Stage.TRAINING}),
    Action.RESUME: frozenset({Stage.PAUSED}),
    Action.RETRY: ENDS,
    Action.DEPLOY: ACTIVE | DEPLOYED | {Stage.FAILED, Stage.CANCELLED},
    Action.ABANDON: ACTIVE,
}
RESULTS = {Action.CANCEL: Stage.CANCELLED, Action.PAUSE: Stage.PAUSED}  # as it is afterwards
PAUSED, RUNNING = ("pausing", "paused"), ("resuming", "running")  # statuses of a job
BY_PEOPLE = tuple(action for action in ALLOWED if action is not Action.ABANDON)


async def give(
    run_id: str,
    action: Action,
    who: str,
    why: str,
    ctx: Context,
    asked: AskedDeployment = deploying.NOTHING,
) -> Run:
    """Enter a command; the run as it is then. The same command once more changes nothing.

    A run whose job is still alive is never given another one: it follows that one again. A retry of
    one that serves has its deployment looked at, and asked for again if it does not answer.
    `asked` is of `deploy` alone. Raises NotFound for a run that does not exist, NotNow for one in a
    stage that does not take the command, or with another command still to be carried out, and
    CallerError for a deployment that the app does not allow. The run's log names a command once it
    is entered, and none that was refused.
    """
    run = await _load(run_id, ctx)
    if run.stage is RESULTS.get(action):
        return run
    _check_allowed(run, action)
    command = Command(action=action, who=who, why=why, at=ctx.now())
    line = LogLine("command", action, who, why)
    if action is Action.DEPLOY:
        await deploy(run, deploying.wanted(run, asked, ctx.settings), command, ctx)
    elif action is Action.RETRY and run.stage is Stage.SERVING:
        await _redeploy(run, line, ctx)
    elif action is Action.RETRY:
        alive = await jobs.alive(run, ctx)
        event = Event.JOB_REJOINED if alive else Event.RETRY_COMMANDED
        await _reopen(run, event, command, line, ctx)
    elif run.command is None:
        entered = await ctx.ledger.amend(run_id, lambda newest: _with_command(newest, command))
        if entered and entered.command == command:
            await ctx.ledger.log(run_id, line)
    return await _load(run_id, ctx)


async def deploy(
    run: Run, wanted: DeploymentSpec, command: Command, ctx: Context, *, by_drop: bool = False
) -> None:
    """Have a run's model deployed in this way: at once where it serves or is held, without another
    job where it has ended, else when the run comes to it. Raises NotNow."""
    _check_allowed(run, Action.DEPLOY)
    said = f"{Action.DEPLOY}: {wanted.sku}, capacity {wanted.capacity}"
    line = LogLine("command", said, command.who, command.why)

    def change(newest: Run) -> Run:
        return newest.to_deploy(wanted, by_drop=by_drop)

    def enter(newest: Run) -> Run:
        changed = change(newest)
        return _with_command(changed, command) or changed

    if run.stage in DEPLOYED:
        await deploying.change_serving(change(run), ctx)
        await ctx.ledger.amend(run.id, change)
    elif run.ended:
        event = await _goes_on_to_deploy(run, ctx)
        await _reopen(run, event, command, line, ctx, change)
        return
    else:
        await ctx.ledger.amend(run.id, enter)
    await ctx.ledger.log(run.id, line)


async def _goes_on_to_deploy(run: Run, ctx: Context) -> Event:
    """How an ended run comes to be deployed. Raises NotNow where it has no model."""
    if run.fine_tuned_model:
        return Event.RETRY_COMMANDED
    if await jobs.alive(run, ctx):
        return Event.JOB_REJOINED
    raise NotNow(
        f"The run {run.id} has {run.stage} without a trained model, so there is none to deploy.",
        f"`tunedrop retry {run.id}` goes on from its last good stage.",
    )


async def _redeploy(run: Run, line: LogLine, ctx: Context) -> None:
    """At the next tick, with all tries before it. Raises NotNow where its version is gone."""
    _, request = await deploying.kept(run, ctx)
    await ctx.ledger.log(run.id, line)
    await RedeployRequests(ctx.clients.models, ctx.now).add_at_once(request)


async def _reopen(
    run: Run,
    event: Event,
    command: Command,
    line: LogLine,
    ctx: Context,
    change: Callable[[Run], Run] = lambda run: run,
) -> None:
    """The log has the command before the record has it, and says so where the record was not
    written. Raises Conflict then."""
    try:
        await ctx.ledger.reopen(run.id, event, command, change, log=(line,))
    except Conflict:
        message = f"{command.action} was not taken: the run was changed by another"
        await ctx.ledger.log(run.id, LogLine("conflict", message, command.who, command.why))
        raise


def taken_by(run: Run) -> list[Action]:
    """What people may ask of it now; nothing while something is still to be carried out, and no
    deployment of what has ended without a job."""
    if run.command:
        return []
    nothing = run.ended and not (run.fine_tuned_model or run.job_id)
    possible = (action for action in BY_PEOPLE if run.stage in ALLOWED[action])
    return [action for action in possible if not (nothing and action is Action.DEPLOY)]


async def _load(run_id: str, ctx: Context) -> Run:
    run = await ctx.ledger.load(run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id!r}.", "`tunedrop runs` lists them.")
    return run


def _with_command(run: Run, command: Command) -> Run | None:
    _check_allowed(run, command.action)
    if run.command:
        return None  # the same one, by somebody who was quicker
    # A person asks: no pause from an earlier failure holds it up.
    return run.replace(command=command, not_before=None)


def _check_allowed(run: Run, action: Action) -> None:
    if run.stage not in ALLOWED[action]:
        possible = ", ".join(other for other in BY_PEOPLE if run.stage in ALLOWED[other])
        raise NotNow(
            f"A run that is {run.stage} cannot take the command {action}.",
            f"It takes: {possible or 'nothing'}.",
        )
    if run.command and run.command.action is not action:
        raise NotNow(
            f"The command {run.command.action}, given by {run.command.who}, is still to be "
            "carried out.",
            "Wait until it is.",
        )


async def execute(run: Run, ctx: Context) -> Outcome:
    """Do what was commanded; an outcome without an event while it has to wait. May be killed
    anywhere and called again.

    A command that the service refuses is dropped, with the service's words in the log, and the run
    goes on. An end is not dropped: what it is to end costs, so it is tried again like an outage.
    """
    command = run.command
    assert command, "the reconciler calls this for runs with a command"
    if run.stage not in ALLOWED[command.action]:
        return _dropped(run, command, f"the run is {run.stage} by now")
    try:
        return await _ACTIONS[command.action](run, command, ctx)
    except Refused as error:
        if run.ending:
            return Outcome(run, error=Unavailable(error.message, error.fix))
        return _dropped(run, command, str(error))


def _dropped(run: Run, command: Command, reason: str) -> Outcome:
    message = f"{command.action} could not be carried out: {reason}"
    line = LogLine("command", message, command.who, command.why)
    return Outcome(run.replace(command=None), log=(line,))


async def _start(run: Run, command: Command, ctx: Context) -> Outcome:
    return Outcome(run.replace(command=None), Event.START_COMMANDED)


async def _cancel(run: Run, command: Command, ctx: Context) -> Outcome:
    run, stopped = await ending.stop(run, ctx)
    if not stopped:
        return Outcome(run, waiting_for=ending.STOPPING)
    return Outcome(run.replace(failure=failures.cancelled_by(command, run)), Event.CANCELLED)


async def _abandon(run: Run, command: Command, ctx: Context) -> Outcome:
    """Why is in the record already."""
    run, stopped = await ending.stop(run, ctx)
    if not stopped:
        return Outcome(run, waiting_for=ending.STOPPING)
    return Outcome(run, Event.FAILED)


async def _pause(run: Run, command: Command, ctx: Context) -> Outcome:
    return await _switch_job(run, command, ctx, "resuming", PAUSED, Event.JOB_PAUSED)


async def _resume(run: Run, command: Command, ctx: Context) -> Outcome:
    return await _switch_job(run, command, ctx, "pausing", RUNNING, Event.JOB_RUNNING)


async def _switch_job(
    run: Run, command: Command, ctx: Context, busy: str, wanted: tuple[str, ...], event: Event
) -> Outcome:
    """Pause or resume the job, unless it is so already; wait while it is `busy` with the other."""
    job = await jobs.read(run, ctx)
    if job.ended:
        return _dropped(run, command, f"the job {job.id} has ended")
    if job.status == busy:
        return Outcome(run)
    if job.status not in wanted:
        service = ctx.clients.finetuning
        await (service.pause if event is Event.JOB_PAUSED else service.resume)(job.id)
    return Outcome(run.replace(command=None), event)


async def _deploy(run: Run, command: Command, ctx: Context) -> Outcome:
    """What is asked for stands in the run already; where another was asked for before, it is asked
    for anew."""
    asked = run.stage in (Stage.DEPLOYING, Stage.PROBING, Stage.COMPARING)
    return Outcome(run.replace(command=None), Event.DEPLOYMENT_CHANGED if asked else None)


_ACTIONS: dict[Action, Callable[[Run, Command, Context], Awaitable[Outcome]]] = {
    Action.START: _start,
    Action.CANCEL: _cancel,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.DEPLOY: _deploy,
    Action.ABANDON: _abandon,
}
