"""What may be asked of a run: start, cancel, pause, resume, retry; and how it is carried out.

An order is written into the run's record with who gave it and why; whoever holds the claim on the
run carries it out, and it stays in the record until that is done. Knows nothing of HTTP.
"""

from collections.abc import Awaitable, Callable

from shared.cloud import Cloud
from shared.errors import NotFound, NotNow, Refused
from shared.model import hosting
from shared.model.registry import Registry
from shared.run import endings, jobs
from shared.run.ledger import Ledger
from shared.run.record import Order, Run, What, now
from shared.run.stages import ACTIVE, ENDS, Seen, Stage

WHEN: dict[What, frozenset[Stage]] = {
    What.START: frozenset({Stage.READY}),
    What.CANCEL: ACTIVE,
    What.PAUSE: frozenset({Stage.TRAINING}),
    What.RESUME: frozenset({Stage.PAUSED}),
    What.RETRY: ENDS - {Stage.SERVING},
    What.GIVE_UP: ACTIVE,
}
DONE = {What.CANCEL: Stage.CANCELLED, What.PAUSE: Stage.PAUSED}  # as it is after the order
BY_PEOPLE = tuple(what for what in What if what is not What.GIVE_UP)


async def give(run_id: str, what: What, who: str, why: str, cloud: Cloud) -> Run:
    """Enter an order; the run as it is then. The same order once more changes nothing.

    A run whose job is still alive is never given another one: it follows that one again.
    Raises NotFound for a run that does not exist, NotNow for one in a stage that does not take
    the order, or with another order still to be carried out.
    """
    ledger = Ledger(cloud.runs)
    run = await ledger.load(run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id!r}.", "GET /api/runs lists them.")
    if run.stage is DONE.get(what):
        return run
    _must_take(run, what)
    if what is What.RETRY:
        alive = await jobs.alive(run, cloud)
        await ledger.tell(run, "order", what, who, why)
        await ledger.take_up(run_id, Seen.REJOINED if alive else Seen.RETRIED, who, why)
    elif run.order is None:
        await ledger.tell(run, "order", what, who, why)
        order = Order(what=what, who=who, why=why, at=now())
        await ledger.amend(run_id, lambda newest: _enter(order, newest))
    return await ledger.load(run_id) or run


def _enter(order: Order, run: Run) -> bool:
    _must_take(run, order.what)
    run.order = order
    run.not_before = None  # a person asks: no pause from an earlier failure holds it up
    return True


def _must_take(run: Run, what: What) -> None:
    if run.stage not in WHEN[what]:
        possible = ", ".join(other for other in BY_PEOPLE if run.stage in WHEN[other]) or "nothing"
        raise NotNow(
            f"A run that is {run.stage} cannot take the order {what}.",
            f"It takes: {possible}.",
        )
    if run.order and run.order.what is not what:
        raise NotNow(
            f"The order {run.order.what}, given by {run.order.who}, is still to be carried out.",
            "Wait until it is.",
        )


async def carry_out(run: Run, cloud: Cloud) -> Seen | None:
    """Do what was ordered; None while it has to wait. May be killed anywhere and called again.

    An order that the service refuses is dropped, with its words in the log; the run goes on, unless
    it was given up.
    """
    order = run.order
    assert order, "the keeper calls this for runs with an order"
    if run.stage not in WHEN[order.what]:
        run.order = None  # the run has gone on meanwhile
        return None
    try:
        return await _BY[order.what](run, order, cloud)
    except Refused as error:
        said = f"{order.what} could not be carried out: {error}"
        await Ledger(cloud.runs).tell(run, "order", said)
        run.order = None
        return Seen.FAILED if order.what is What.GIVE_UP else None


async def _start(run: Run, order: Order, cloud: Cloud) -> Seen | None:
    run.order = None
    return Seen.ORDERED


async def _cancel(run: Run, order: Order, cloud: Cloud) -> Seen | None:
    if not await _stop(run, cloud):
        return None
    run.failure = endings.cancelled_by(order, run)
    return Seen.CANCELLED


async def _give_up(run: Run, order: Order, cloud: Cloud) -> Seen | None:
    """Why is in the record already."""
    return Seen.FAILED if await _stop(run, cloud) else None


async def _stop(run: Run, cloud: Cloud) -> bool:
    """See to it that nothing goes on that costs: no job, no deployment; False if something does.

    The registry is asked for the version, for the run may not have lived to write down that it has
    one; and it is told first, so that nobody is sent to a deployment that goes.
    """
    if not await jobs.end(run, cloud):
        return False
    registry = Registry(cloud.models)
    model = await registry.load(run.model)
    version = model.of_run(run.id) if model else None
    if version:
        await registry.withdraw(run.model, version.version)
        await hosting.withdraw(cloud.deployments, version)
    return True


async def _pause(run: Run, order: Order, cloud: Cloud) -> Seen | None:
    job = await jobs.read(run, cloud)
    if job.status == "resuming":
        return None
    if job.status not in ("pausing", "paused"):
        await cloud.finetuning.pause(job.id)
    run.order = None
    return Seen.PAUSED


async def _resume(run: Run, order: Order, cloud: Cloud) -> Seen | None:
    job = await jobs.read(run, cloud)
    if job.status == "pausing":
        return None
    if job.status not in ("resuming", "running"):
        await cloud.finetuning.resume(job.id)
    run.order = None
    return Seen.STARTED


_BY: dict[What, Callable[[Run, Order, Cloud], Awaitable[Seen | None]]] = {
    What.START: _start,
    What.CANCEL: _cancel,
    What.PAUSE: _pause,
    What.RESUME: _resume,
    What.GIVE_UP: _give_up,
}
