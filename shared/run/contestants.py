"""Who is compared with a new version: the champion, and the base model where it is deployed.

Knows who can be asked, and says why somebody cannot be; asks none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.cloud.deployments import Deployment
from shared.errors import Refused
from shared.model.deployment import find
from shared.model.evaluation import Role
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model, Version
from shared.printable import shown
from shared.run.comparable import SETTING, base_deployment
from shared.run.context import Context
from shared.run.record import Run

READY = "Succeeded"


@dataclass(frozen=True, slots=True)
class Contestant:
    """`role` is None for a judge. `model` is what answers, whatever its deployment is called;
    `calls`: how many a minute it may be asked, so that others who use it are answered as well."""

    role: Role | None
    name: str
    model: str
    deployment: str
    calls: int


@dataclass(frozen=True, slots=True)
class LineUp:
    """`absent`: who is not compared, in sentences; `coming`: who is deployed again for it."""

    candidate: Contestant
    others: tuple[Contestant, ...] = ()
    absent: tuple[str, ...] = ()
    coming: str = ""
    judge: Contestant | None = None

    @property
    def all(self) -> tuple[Contestant, ...]:
        return (self.candidate, *self.others)


async def line_up(run: Run, model: Model, ctx: Context, *, patient: bool) -> LineUp:
    """By the account's deployments as they are now. `patient`: a champion without a deployment is
    waited for, where the comparison may hold the run. Raises ServiceError, and Refused where the
    candidate's own deployment is gone: nobody makes it again."""
    assert run.version, "a run becomes comparing by having one"
    version = model.version(run.version)
    lined = LineUp(_of(version, model, Role.CANDIDATE, version.capacity))
    there = {deployment.name: deployment for deployment in await ctx.clients.deployments.list()}
    if _goes(there.get(version.deployment)):
        await must_be_there(version, ctx)
    if model.champion:
        waits = patient and run.spec.release.gate == "enforce"
        lined = await _with_champion(lined, model, there, ctx, waits=waits)
    return _with_judge(_with_base(lined, run, there, ctx), there, ctx)


async def must_be_there(version: Version, ctx: Context) -> None:
    """Raises Refused where its deployment is gone."""
    if _goes(await find(ctx.clients.deployments, version)):
        raise Refused(
            f"The deployment {version.deployment} is gone.",
            "`tunedrop promote` deploys its version again, and promotes it.",
        )


def _goes(found: Deployment | None) -> bool:
    return found is None or found.state == "Deleting"


async def _with_champion(
    lined: LineUp, model: Model, there: Mapping[str, Deployment], ctx: Context, *, waits: bool
) -> LineUp:
    assert model.champion
    champion = model.version(model.champion)
    called = f"{model.name}@{model.champion}"
    found = there.get(champion.deployment)
    if found and found.state == READY and found.model == champion.fine_tuned_model:
        calls = (found.capacity or champion.capacity) // 2
        return replace(lined, others=(_of(champion, model, Role.CHAMPION, calls),))
    if waits:
        await RedeployRequests(ctx.clients.models).add(model.name)
        return replace(lined, coming=f"{called} has no deployment that answers: it is asked for.")
    told = f"The champion {called} was not asked: it has no deployment that answers."
    return replace(lined, absent=(told,))


def _with_base(lined: LineUp, run: Run, there: Mapping[str, Deployment], ctx: Context) -> LineUp:
    base = run.spec.base_model
    found = base_deployment(base, there.values(), ctx.settings.base_deployments)
    if found is None:
        told = f"The base model {shown(base)} was not asked: {SETTING} names no deployment of it."
        return replace(lined, absent=(*lined.absent, told))
    model = f"{found.model}-{found.version}" if found.version else found.model
    calls = max(found.capacity // 2, 1)
    contestant = Contestant(Role.BASE, base, model, found.name, calls)
    return replace(lined, others=(*lined.others, contestant))


def _with_judge(lined: LineUp, there: Mapping[str, Deployment], ctx: Context) -> LineUp:
    name = ctx.settings.judge_deployment
    found = there.get(name)
    if found and found.state == READY:
        calls = max(found.capacity // 2, 1)
        judge = Contestant(None, "judge", f"judge {found.model} {found.version}", name, calls)
        return replace(lined, judge=judge)
    told = f"The judge {shown(name)} was not asked: there is no such deployment that answers."
    return replace(lined, absent=(*lined.absent, told)) if name else lined


def _of(version: Version, model: Model, role: Role, calls: int) -> Contestant:
    name = f"{model.name}@{version.version}"
    return Contestant(role, name, version.fine_tuned_model, version.deployment, max(calls, 1))
