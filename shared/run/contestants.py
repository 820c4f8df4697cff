"""Who is compared with a new version: the champion, and the base model where it is deployed.

Knows who can be asked, and says why somebody cannot be; asks none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.catalog import lookup
from shared.cloud.deployments import Deployment
from shared.model.evaluation import Role
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model, Version
from shared.printable import shown
from shared.run.context import Context
from shared.run.record import Run

READY = "Succeeded"
SETTING = "TUNEDROP_BASE_DEPLOYMENTS"


@dataclass(frozen=True, slots=True)
class Contestant:
    """`model` is what answers, whatever its deployment is called; `calls`: how many a minute it may
    be asked, so that others who use it are answered as well."""

    role: Role
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

    @property
    def all(self) -> tuple[Contestant, ...]:
        return (self.candidate, *self.others)


async def line_up(run: Run, model: Model, ctx: Context, *, patient: bool) -> LineUp:
    """By the account's deployments as they are now. `patient`: a champion without a deployment is
    waited for, where the comparison may hold the run. Raises ServiceError."""
    assert run.version, "a run becomes comparing by having one"
    version = model.version(run.version)
    lined = LineUp(_of(version, model, Role.CANDIDATE, version.capacity))
    there = {deployment.name: deployment for deployment in await ctx.clients.deployments.list()}
    if model.champion:
        waits = patient and run.spec.release.gate == "enforce"
        lined = await _with_champion(lined, model, there, ctx, waits=waits)
    return _with_base(lined, run, there, ctx)


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
    known = [there[name] for name in ctx.settings.base_deployments if name in there]
    found = next((one for one in known if one.state == READY and is_of(one, base)), None)
    if found is None:
        told = f"The base model {shown(base)} was not asked: {SETTING} names no deployment of it."
        return replace(lined, absent=(*lined.absent, told))
    model = f"{found.model}-{found.version}" if found.version else found.model
    calls = max(found.capacity // 2, 1)
    contestant = Contestant(Role.BASE, base, model, found.name, calls)
    return replace(lined, others=(*lined.others, contestant))


def is_of(deployment: Deployment, base: str) -> bool:
    """Whether it serves that base model: a catalog's name has the version at its end, and Azure
    Resource Manager tells it apart."""
    wanted, told = lookup.service_name(base).lower(), deployment.model.lower()
    if deployment.version and wanted != told:
        return wanted == f"{told}-{deployment.version.lower()}"
    return wanted == told or (wanted.startswith(f"{told}-") and wanted[len(told) + 1].isdigit())


def _of(version: Version, model: Model, role: Role, calls: int) -> Contestant:
    name = f"{model.name}@{version.version}"
    return Contestant(role, name, version.fine_tuned_model, version.deployment, max(calls, 1))
