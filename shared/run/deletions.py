"""Orders to delete are carried out: by each tick as far as it goes, until nothing of the thing is
left.

What goes is looked for anew each time, so each part may be killed anywhere and done again. The
order: no chat is sent there, then its deployment, then the fine-tuned model (the service keeps one
that is deployed), its files, the records. Knows nothing of HTTP.
"""

import logging
import uuid
from contextlib import suppress
from datetime import timedelta

from shared.chat.feedback import FeedbackStore
from shared.errors import CallerError, Conflict, NotFound, Refused, TunedropError, Unavailable
from shared.model import redeploy, usage
from shared.model.deletion import Deletion, Deletions, forget_version, mark
from shared.model.history import Decision
from shared.model.orders import PREFIX as ORDERS
from shared.model.registry import Model, Version
from shared.model.states import Cause
from shared.printable import shown
from shared.run import (
    ceilings,
    commands,
    deletion_plan,
    ending,
    files,
    folder,
    notify,
    removal,
    upkeep,
)
from shared.run.context import Context
from shared.run.deletion_plan import CHECKPOINT, Found, Plan, Target, check_digest
from shared.run.notifications import Kind
from shared.run.record import Action, Run
from shared.run.refusals import PREFIX as REFUSALS
from shared.run.trainings import trainings

log = logging.getLogger(__name__)

# An instance may know a champion for 5 seconds after it is none; chats that have begun then go on.
LEAD = timedelta(seconds=10)
MOST = 50  # runs that one look deletes: a tick has other work
IN_THE_WAY = (Unavailable, Refused, Conflict, CallerError)
BEGUN = "Chats that have begun are finished first."
PATIENCE = timedelta(days=1)  # with a fine-tuned model that the service does not let go


async def give(
    target: Target, datasets: bool, digest: str | None, who: str, why: str, ctx: Context
) -> tuple[Plan, Deletion | None]:
    """The plan; with its digest, the order is entered and carried out as far as it goes now, and is
    told as long as it is not done. Raises NotNow where the plan is another by now: nothing is
    deleted then."""
    plan = await deletion_plan.plan(target, datasets, ctx)
    if digest is None:
        return plan, None
    check_digest(plan, digest)
    store = Deletions(ctx.clients.models)
    ordered = Deletion(
        id=uuid.uuid4().hex,
        model=target.model,
        run_id=target.run_id,
        version=target.number,
        digest=digest,
        who=who,
        why=why,
        at=ctx.now(),
        datasets=plan.datasets,
    )
    log.warning("%s is to be deleted, by %s: %s", target.called, who, why or "no reason given")
    entered = await store.enter(ordered)
    await _go_on(entered, ctx)
    return plan, await store.of(entered.name)


async def process(ctx: Context) -> None:
    """Go on with every deletion; what has to wait is left for the next tick."""
    store = Deletions(ctx.clients.models)
    try:
        names = await store.all()
    except Unavailable as error:
        log.error("deletions could not be read: %s", error)
        return
    for name in names:
        try:
            if deletion := await store.of(name):
                await _go_on(deletion, ctx)
        except TunedropError as error:
            log.warning("the deletion of %s waits: %s", shown(name), error)
        except Exception:
            log.exception("the deletion of %s went wrong", shown(name))


async def _go_on(deletion: Deletion, ctx: Context) -> None:
    """As far as it goes now."""
    try:
        waits = await _Work(deletion, ctx).do()
    except IN_THE_WAY as error:
        waits = str(error)
    if waits:
        await _Work(deletion, ctx).note(waits)


class _Work:
    """One deletion, for one look at it. What its methods return is what is waited for."""

    def __init__(self, deletion: Deletion, ctx: Context) -> None:
        self.deletion, self.ctx = deletion, ctx
        self.store = Deletions(ctx.clients.models)

    async def note(self, waits: str) -> None:
        known = await self.store.of(self.deletion.name)
        if known and known.waits != waits:
            log.info("the deletion of %s waits: %s", known.name, waits)
            await self.store.note(known, waits=waits)

    async def do(self) -> str:
        whole = not self.deletion.run_id
        if whole and not self.deletion.last:
            await mark(self.ctx.clients.models, self.deletion)
        found = await self._look()
        if self.deletion.last:
            await self._datasets()  # they may have been asked for only then
        elif waits := await self._all(found):
            return waits
        if whole:
            await self._remove_model()
        await self._tell()
        await upkeep.soon(self.ctx)  # who is the champion now may have no deployment
        await self.store.done(self.deletion)
        return ""

    async def _look(self) -> Found:
        return await deletion_plan.look(Target(self.deletion.model, self.deletion.run_id), self.ctx)

    async def _all(self, found: Found) -> str:
        """Everything but the model's own record. What one run has to wait for does not hold up the
        others."""
        run_ids = [run.id for run in found.runs] + [version.run_id for version in found.versions]
        each = list(dict.fromkeys([*run_ids, *filter(None, [self.deletion.run_id])]))
        waits = f"{len(each) - MOST} runs have their turn then." if len(each) > MOST else ""
        for run_id in each[:MOST]:
            waits = await self._isolated(run_id, found) or waits
        if waits:
            return waits
        await self._datasets()
        if self.deletion.run_id:
            return ""
        await self._of_model()
        if (await self._look()).runs:
            return "A run has come meanwhile."
        self.deletion = await self.store.note(self.deletion, last=True)
        return ""

    async def _isolated(self, run_id: str, found: Found) -> str:
        try:
            return await self._one(run_id, found)
        except IN_THE_WAY as error:
            return str(error)

    async def _one(self, run_id: str, found: Found) -> str:
        """A run with its version."""
        run = next((run for run in found.runs if run.id == run_id), None)
        version = next((v for v in found.versions if v.run_id == run_id), None)
        waits = await self._end(run, version, found) or await self._undeploy(run, version, found)
        if waits:
            return waits
        await self._tuned_models(run, version, found)
        if run:
            await self._files(run)
            await ceilings.settle(run, self.ctx)
        await self._remove(run_id, run)
        if version:
            await forget_version(self.ctx.clients.models, self.deletion.model, version.version)
        return ""

    async def _remove(self, run_id: str, run: Run | None) -> None:
        """What it has cost stays, with the end of its deployment."""
        model = await self.ctx.registry.load(self.deletion.model)
        trained = trainings(run, self.ctx.region) if run else ()
        left = removal.left_of(run, model.of_run(run_id) if model else None, trained)
        await removal.remove(run_id, left, self.ctx)

    @property
    def _why(self) -> str:
        return f"it is to be deleted. {self.deletion.why}".strip()

    async def _end(self, run: Run | None, version: Version | None, found: Found) -> str:
        """No chat is sent there any more, and no job goes on."""
        model = found.model
        if model and version and not version.withdrawn:
            await self._withdraw(model, version.version)
            if self.deletion.run_id and (run is None or run.ended):
                return BEGUN
        if run is None or run.ended:
            return ""
        if not run.ending:
            who = self.deletion.who
            await commands.give(run.id, Action.CANCEL, who, self._why, self.ctx)
        return f"The run {run.id} is being cancelled."

    async def _withdraw(self, model: Model, number: int) -> None:
        """Who answers in its place is told; of a whole model nobody does."""
        decision = Decision(self.ctx.now(), Cause.WITHDRAWN, self.deletion.who, self._why)
        if self.deletion.run_id:
            await ending.withdraw(model, number, decision, self.ctx)
        else:
            await self.ctx.registry.withdraw(model.name, number, decision)

    async def _undeploy(self, run: Run | None, version: Version | None, found: Found) -> str:
        there = [d for v, d in found.ours if version and v.version == version.version]
        if there and self.ctx.now() - self.deletion.at < LEAD:
            return BEGUN
        if run:
            _, stopped = await ending.stop(run, self.ctx)
            if not stopped:
                return ending.STOPPING
        elif there and version:
            await self.ctx.clients.deployments.delete(there[0].name)
            await self.ctx.registry.note_unhosted(
                self.deletion.model, version.version, self.ctx.now()
            )
        if there and await self.ctx.clients.deployments.get(there[0].name):
            return f"The deployment {there[0].name} is being deleted."
        return ""

    async def _tuned_models(self, run: Run | None, version: Version | None, found: Found) -> None:
        """One that somebody else has deployed stays, and so does one that the service does not let
        go for a day."""
        names = (run and run.fine_tuned_model, version and version.fine_tuned_model)
        in_use = {there.model.partition(CHECKPOINT)[0] for there in found.foreign}
        for name in dict.fromkeys(name.partition(CHECKPOINT)[0] for name in names if name):
            if name in in_use:
                continue
            try:
                await self.ctx.clients.finetuning.delete_model(name)
            except (Refused, Unavailable) as error:
                passes = isinstance(error, Unavailable)
                if passes and self.ctx.now() - self.deletion.at < PATIENCE:
                    raise
                log.error("the fine-tuned model %s stays at the service: %s", name, error)

    async def _files(self, run: Run) -> None:
        service = self.ctx.clients.finetuning
        await files.delete(run, self.ctx)
        for job_id in filter(None, (*run.past_jobs, run.job_id)):
            job = await service.job(job_id)
            if job and job.result_file:
                await service.delete_file(job.result_file)

    async def _datasets(self) -> None:
        """Those that the plan has named; one that was dropped anew since stays."""
        container = self.ctx.clients.datasets
        for blob in self.deletion.datasets:
            with suppress(NotFound):  # the name is none that can be asked for
                await removal.remove_as_it_was(container, blob.name, blob.etag)

    async def _of_model(self) -> None:
        """What is kept of a model beside its record. That its datasets were taken is kept as long
        as they are, or they would be taken for new."""
        name, clients = self.deletion.model, self.ctx.clients
        await FeedbackStore(clients.feedback, {}).forget_model(name)
        for place in (ORDERS, redeploy.REQUESTS, redeploy.STATES, usage.USED):
            async for blob in clients.models.list(f"{place}{name}"):
                if blob.name.removeprefix(place).partition("@")[0] == name:
                    await clients.models.delete(blob.name)
        dropped_meanwhile = (await folder.look(name, clients.datasets)).newest
        if self.deletion.datasets and not dropped_meanwhile:
            await removal.remove_all(clients.runs, f"drops/{name}/")
            for kind in ("drops", "names", "left-out"):
                await removal.remove_all(clients.runs, f"{REFUSALS}{kind}/{name}/")

    async def _remove_model(self) -> None:
        """Unless a new one has come under its name: then this was done before."""
        model = await self.ctx.registry.load(self.deletion.model)
        if model and model.deleting == self.deletion.at:
            await notify.keep_changes_of(model, self.ctx)
            await self.ctx.clients.models.delete(f"{self.deletion.model}.json")

    async def _tell(self) -> None:
        deletion = self.deletion
        log.warning("%s is deleted, by order of %s", deletion.name, deletion.who)
        told = {
            "model": deletion.model,
            "version": deletion.version,
            "run": deletion.run_id or None,
            "who": deletion.who,
            "why": deletion.why,
        }
        about = deletion.run_id or deletion.model
        await notify.add(self.ctx, Kind.MODEL_DELETED, about, told, f"deleted-{deletion.id}")
