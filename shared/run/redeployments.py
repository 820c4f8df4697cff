"""Versions whose deployment is gone are deployed again, at each tick as far as it goes now.

Azure takes no request for a deployment that has failed until that one is deleted, so it is, and
asked for anew after a pause; only so many times a day. Whatever goes wrong is told in the app's
log, in the log of the version's run, to whoever chats with the model, and by the doctor. Knows
nothing of chats (`model.redeploy` has their requests).
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.cloud.deployments import ENDED_BADLY, Deployment
from shared.errors import Refused, ServiceError, TunedropError, Unavailable
from shared.model import deployment, usage, waking
from shared.model.orders import Orders
from shared.model.redeploy import Redeployment, RedeployRequests, requested_version
from shared.model.registry import Model, Version
from shared.printable import shown
from shared.run import failures, monthly_ceiling, notify, room, sleeping
from shared.run.context import Context
from shared.run.notifications import Kind, Value, digest
from shared.run.outcome import LogLine
from shared.run.stages import Stage

log = logging.getLogger(__name__)

TOLD_AFTER = timedelta(minutes=5)  # for which a champion has not answered
ROOM = "Delete a deployment that is not needed, or put another version to sleep (`tunedrop sleep`)."


async def process(ctx: Context) -> None:
    """Take every request as far as it goes now; what has to wait is left for the next tick."""
    requests = RedeployRequests(ctx.clients.models, ctx.now)
    try:
        names = await requests.requested()
    except Unavailable as error:
        log.error("requests to redeploy could not be read: %s", error)
        return
    for name in names:
        try:
            await _process(name, requests, ctx)
        except TunedropError as error:
            log.warning("%s could not be redeployed: %s", shown(name), error)
        except Exception:
            log.exception("the redeployment of %s went wrong", shown(name))


async def _process(name: str, requests: RedeployRequests, ctx: Context) -> None:
    model = await ctx.registry.load(name.partition("@")[0])
    stays = model is not None and not model.deleting
    version = await _version(name, model, requests) if model and stays else None
    if version is None:
        await requests.done(name)  # nothing to redeploy
        return
    known = await requests.state(name)
    if known is None or known.version != version.version:
        known = Redeployment(model=name, version=version.version)
    if known.resting(ctx.now()):
        await _Work(name, version, known, ctx).tell_others(known, requests)
        return
    ordered = await requests.is_ordered(name)
    known = known.replace(denied=False, problem="", fix="") if known.denied else known
    if not (ordered or version.is_hosted or await _fits(name, version, ctx)):
        await requests.deny(_denied(known, ctx))
        return
    work = _Work(name, version, known, ctx)
    after = await work.step()
    if after is None:
        await work.note_duration(await requests.asked_at(name))
        if ordered and work.called not in await Orders(ctx.clients.models).awaited():
            await usage.note_use(ctx.clients.models, work.called)  # a person has woken it
        await requests.done(name)
        await work.tell_of_success()
        return
    if after != known:
        await requests.keep(after)
        await work.tell(after)
    await work.tell_others(after, requests)


async def _version(name: str, model: Model, requests: RedeployRequests) -> Version | None:
    kept = requested_version(name, model)
    if kept or not await requests.is_ordered(name):
        return kept
    return requested_version(name, model, ordered=True)


async def _fits(name: str, version: Version, ctx: Context) -> bool:
    """The champion is woken whatever the month comes to; for another, no chat passes the ceiling:
    it would be put to sleep at the next look, and be woken again."""
    return "@" not in name or await monthly_ceiling.leaves_room(version, ctx)


def _denied(known: Redeployment, ctx: Context) -> Redeployment:
    return known.replace(
        denied=True,
        problem="It is not made again for a chat as long as the month's hosting would pass the "
        "app's ceiling with it.",
        not_before=ctx.now() + ctx.policy.hosting_every,
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """One request: its version and what was known of its deployment."""

    name: str
    version: Version
    known: Redeployment
    ctx: Context

    @property
    def called(self) -> str:
        return f"{self.name.partition('@')[0]}@{self.version.version}"

    async def step(self) -> Redeployment | None:
        """The next thing towards an answer; None if the version answers."""
        try:
            return await self._step()
        except Refused as error:
            return self._failed(error.message, error.fix)
        except ServiceError as error:
            asked = error.retry_after if isinstance(error, Unavailable) else None
            pause = self.ctx.policy.pause(self.known.misses + 1, asked, random.random())
            problem, fix = error.message, error.fix
            return self._missed(problem, fix, self.ctx.now() + pause)

    async def _step(self) -> Redeployment | None:
        there = await deployment.find(self.ctx.clients.deployments, self.version)
        if there is None:
            await sleeping.note_gone(self.name.partition("@")[0], self.version, self.ctx)
            return await self._ask()
        if there.state not in ENDED_BADLY | {"Deleting"}:
            await self._note_hosted(True)
        settled = there.state == "Succeeded" or there.state in ENDED_BADLY
        if settled and await self._answers():
            return None  # also one whose last change has failed: what serves is left alone
        if there.state in ENDED_BADLY or self._stuck():
            await self.ctx.clients.deployments.delete(there.name)
            await self._note_hosted(False)
            return self._failed(
                self._ending(there),
                "It is deleted and asked for anew; the account's activity log in the portal has "
                "the reason.",
            )
        return self.known.replace(problem=deployment.strange(there), fix="", not_before=None)

    def _ending(self, there: Deployment) -> str:
        count = f"try {len(self._recent())} of {self.ctx.policy.redeploy_tries} in a day"
        if there.state in ENDED_BADLY:
            return f"Azure ended the deployment {there.name} as {there.state} ({count})."
        return f"The deployment {there.name} is {there.state} and has not come to answer ({count})."

    def _stuck(self) -> bool:
        """As long after it was asked for as a run would be given up that deploys."""
        tries, longest = self.known.tries, self.ctx.policy.deadlines[Stage.DEPLOYING]
        return bool(tries) and self.ctx.now() - tries[-1] > longest

    async def _answers(self) -> bool:
        ready = await deployment.probe(self.ctx.clients.finetuning, self.version)
        return ready is deployment.Readiness.READY

    async def _ask(self) -> Redeployment:
        recent, most = self._recent(), self.ctx.policy.redeploy_tries
        if len(recent) >= most:
            return self._missed(
                f"The deployment {self.version.deployment} was asked for {most} times within a "
                "day, and none has come to answer.",
                f"Look at the account's activity log in the portal for the reason; {self._again}",
                recent[0] + self.ctx.policy.redeploy_within,
            )
        tried = self.known.replace(tries=(*recent, self.ctx.now()), not_before=None)
        version, model = self.version, self.name.partition("@")[0]
        try:
            async with room.hosting_noted(model, version, self.ctx):
                await deployment.put(self.ctx.clients.deployments, version)
        except Refused as error:
            await room.make(version, error, self.ctx, champion="@" not in self.name)
            if room.lacking(error):
                return await self._without_room(error)
            asked = _Work(self.name, version, tried, self.ctx)
            return asked._failed(error.message, await self._cure(error))
        return tried

    async def _without_room(self, error: Refused) -> Redeployment:
        """No try that failed, and no miss more: nothing was made, and there may be room at any
        moment. How long that takes is nothing that others should expect (`note_duration`)."""
        return self.known.replace(
            misses=max(self.known.misses, 1),
            problem=f"The account has no room for it, and nothing may make any: {error.message}",
            fix=ROOM if "@" in self.name else await self._cure(error),
            not_before=self.ctx.now() + self.ctx.policy.room_pause,
        )

    @property
    def _again(self) -> str:
        """Commands that are taken for this version."""
        if "@" in self.name:
            return f"`tunedrop wake {self.called}` asks for it again at once."
        run_id = self.version.run_id
        return (
            f"`tunedrop retry {run_id}` asks for it again at once, "
            f"`tunedrop deploy {run_id} --sku SKU` for another."
        )

    async def _note_hosted(self, hosted: bool) -> None:
        """Whether Azure bills its hours from now on."""
        registry, model = self.ctx.registry, self.name.partition("@")[0]
        note = registry.note_hosted if hosted else registry.note_unhosted
        await note(model, self.version.version, self.ctx.now())

    async def _cure(self, error: Refused) -> str:
        """As its run would be told."""
        run = await self.ctx.ledger.look(self.version.run_id)
        return failures.of_error(error, run).fix if run else error.fix

    def _recent(self) -> tuple[datetime, ...]:
        since = self.ctx.now() - self.ctx.policy.redeploy_within
        return tuple(at for at in self.known.tries if at > since)

    def _failed(self, problem: str, fix: str) -> Redeployment:
        """What another try in a moment would not change; the pauses are long."""
        pause = self.ctx.policy.redeploy_pause(self.known.misses + 1)
        return self._missed(problem, fix, self.ctx.now() + pause)

    def _missed(self, problem: str, fix: str, not_before: datetime) -> Redeployment:
        misses = self.known.misses + 1
        return self.known.replace(problem=problem, fix=fix, misses=misses, not_before=not_before)

    async def tell(self, after: Redeployment) -> None:
        """Once of each thing: nobody reads what is said at each tick."""
        if after.problem and after.problem != self.known.problem:
            message = f"{self.called} does not answer. {after.told}"
            log.error("%s", message)
            await self._note(message)
        elif len(after.tries) > len(self.known.tries):
            await self._note(f"the deployment {self.version.deployment} is asked for anew")

    async def tell_others(self, after: Redeployment, requests: RedeployRequests) -> None:
        """That the champion is down: at each look under the same id, so once of each request."""
        if "@" in self.name or not after.problem:
            return
        asked_at = await requests.asked_at(self.name)
        if asked_at and timedelta(0) <= self.ctx.now() - asked_at < TOLD_AFTER:
            return  # by clocks that agree
        message = f"{self.called} does not answer. {after.problem}"
        data: dict[str, Value] = {"model": self.name, "version": self.version.version}
        data |= {"message": message, "fix": after.fix or None}
        id = f"model-down-{digest(self.called, str(asked_at))}"
        await notify.add(self.ctx, Kind.MODEL_DOWN, self.name, data, id)

    async def note_duration(self, asked_at: datetime | None) -> None:
        """How long callers waited, where they had to wait for a deployment and for nothing else."""
        if asked_at and self.known.tries and not self.known.misses:
            seconds = (self.ctx.now() - asked_at).total_seconds()
            await waking.note(self.ctx.clients.models, seconds)

    async def tell_of_success(self) -> None:
        log.info("%s answers again", self.called)
        if self.known.tries or self.known.problem:
            await self._note(f"{self.called} answers again")

    async def _note(self, message: str) -> None:
        await self.ctx.ledger.log(self.version.run_id, LogLine("deployment", message))
