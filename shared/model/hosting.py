"""Which versions should have a deployment and which not, and which go first where room is needed.

Pure. A deployment costs by the hour whether it is used or not, and an account has room for few of
them. A champion that is used, and one that is kept always, never goes by a rule.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.catalog import facts
from shared.cloud.deployments import ENDED_BADLY, Deployment
from shared.model.registry import Model, Version
from shared.model.states import State

DEVELOPER = "DeveloperTier"  # the SKU
LATE = timedelta(
    hours=1
)  # after which Azure is not expected any more to remove what it should have
SHORTEST_IDLE = timedelta(minutes=15)  # an answer that began before may still be on its way


class Why(StrEnum):
    """Why a version's deployment goes; the version stays."""

    ORDERED = "a person has ordered it"
    ASLEEP = "it sleeps"
    FAILED = "its deployment has failed"
    SURPLUS = "newer ones of its kind are kept deployed, and no more"
    RETIRED = "it is not the champion any more and was not used for a time"
    UNDECIDED = "nobody has promoted it for a time"
    IDLE = "nobody has chatted with it for a time"
    ROOM = "another version needs its place"
    CEILING = "the month would pass TUNEDROP_MONTHLY_HOSTING_CEILING"


@dataclass(frozen=True, slots=True)
class Rules:
    """`warm`: how long a retired version stays deployed after it was needed last, `undecided`: a
    candidate; `spare`: how many of a model at the most, of either. `keeps_previous`: chats fall
    back on the champion before. `in_use`: how long after a chat a version counts as used."""

    warm: timedelta
    undecided: timedelta
    spare: int
    keeps_previous: bool = False
    in_use: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known at a moment. `used`: when somebody last chatted with a version, by model and
    number. `there`: the account's deployments by name. `busy`: runs that are under way or whose
    version somebody waits for; of their versions nothing is decided here."""

    now: datetime
    rules: Rules
    used: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    there: Mapping[str, Deployment] = field(default_factory=dict)
    busy: Collection[str] = ()

    def deployed(self, version: Version) -> Deployment | None:
        """The version's own deployment, unless it is on its way out."""
        found = self.there.get(version.deployment)
        ours = found is not None and found.model == version.fine_tuned_model
        return found if ours and found and found.state != "Deleting" else None

    def in_use(self, model: Model, version: Version) -> bool:
        last = self.used.get((model.name, version.version))
        return last is not None and self.now - last < self.rules.in_use


@dataclass(frozen=True, slots=True)
class Removal:
    """A version whose deployment is to go. `idle`: since it was needed last."""

    model: str
    version: Version
    why: Why
    idle: timedelta


def last_needed(
    model: Model, version: Version, used: Mapping[tuple[str, int], datetime]
) -> datetime:
    """When somebody last chatted with it, it was deployed last, or its standing changed."""
    number = version.version
    changes = [known.at for known in model.history if number in (known.version, known.before)]
    deployed = [version.hosted[-1].since] if version.hosted else []
    chatted = used.get((model.name, number), version.created_at)
    return max([version.created_at, chatted, *deployed, *changes])


def due(model: Model, at: Situation) -> list[Removal]:
    """The versions of a model whose deployment should not be there."""
    found = (
        Removal(model.name, version, why, at.now - last_needed(model, version, at.used))
        for version in _deployed(model, at)
        if (why := _why(model, version, at))
    )
    return sorted(found, key=lambda removal: removal.version.version)


def is_to_wake(model: Model, at: Situation) -> bool:
    """Whether the champion is kept always and has no deployment: it slept when it became the
    champion, as where the one after it was deleted; or its day of the developer tier is over, which
    costs nothing by the hour. What nobody has used for 15 days, or a person has removed, comes back
    by a chat: by itself it would cost by the hour for nobody."""
    if model.champion is None or model.deleting or not model.history:
        return False
    version = model.version(model.champion)
    if version.keep != "always" or version.run_id in at.busy:
        return False
    if version.asleep_since:
        return version.asleep_since <= model.history[-1].at
    end = _end_of_the_day(version)
    return end is not None and end <= at.now and at.deployed(version) is None


def goes_now(model: Model, at: Situation, around: timedelta) -> bool:
    """Whether Azure removes the deployment of a champion that is kept always about now, and it is
    there still. One of the developer tier goes a day after it was made; how exactly that is kept,
    no page says."""
    version = model.version(model.champion) if model.champion else None
    if version is None or version.keep != "always" or not at.deployed(version):
        return False
    end = _end_of_the_day(version)
    return end is not None and end - around <= at.now <= end + LATE


def _end_of_the_day(version: Version) -> datetime | None:
    """Of the developer tier's, which is the same however much the version is used."""
    last = version.hosted[-1] if version.hosted else None
    if last is None or facts.SKUS.values.get(last.sku.lower()) != DEVELOPER:
        return None
    return last.since + timedelta(hours=facts.DEPLOYMENT_LIFE.developer_hours)


def what_to_put_to_sleep(models: Iterable[Model], at: Situation) -> list[Removal]:
    """All that may go where room or money is short, what is missed least first: what has failed,
    retired versions, candidates, the champion before, and champions that are kept on demand. Of
    equals the one that was needed longest ago; what is in use comes last, and a champion in use,
    or one that is kept always, not at all."""
    ranked = []
    for model in models:
        for version in _deployed(model, at):
            rank = _rank(model, version, at)
            if rank is not None:
                last = last_needed(model, version, at.used)
                removal = Removal(model.name, version, Why.ROOM, at.now - last)
                order = (at.in_use(model, version), rank, last, model.name, version.version)
                ranked.append((order, removal))
    return [removal for _, removal in sorted(ranked, key=lambda pair: pair[0])]


def what_makes_room(models: Iterable[Model], at: Situation, *, champion: bool) -> list[Removal]:
    """The same for a deployment that Azure has no room for. For a version that is not to be the
    champion nothing goes that was needed a moment ago: of two that are used, each would take the
    other's place again and again, and neither would answer."""
    removals = what_to_put_to_sleep(models, at)
    return [one for one in removals if champion or one.idle >= at.rules.in_use]


def ended_at(model: Model, version: Version, at: Situation) -> datetime:
    """When Azure has removed a deployment that is found to be gone: a day after it was made, or
    after 15 days without a chat, where that is over; else now, for nobody tells."""
    if not version.hosted:
        return at.now
    idle = _end_of_idle_days(model, version, at)
    return min(at.now, idle, _end_of_the_day(version) or idle)


def why_gone(model: Model, version: Version, at: Situation) -> str:
    """Why it is gone by then, for people, as far as Azure's rules tell it."""
    life, day = facts.DEPLOYMENT_LIFE, _end_of_the_day(version)
    if day and day <= at.now:
        return f"Azure removes one of {DEVELOPER} {life.developer_hours} hours after it was made"
    if version.hosted and _end_of_idle_days(model, version, at) <= at.now:
        return f"Azure removes one that nobody has chatted with for {life.idle_days} days"
    return "not by this app"


def _end_of_idle_days(model: Model, version: Version, at: Situation) -> datetime:
    since = version.hosted[-1].since
    chatted = at.used.get((model.name, version.version), since)
    return max(chatted, since) + timedelta(days=facts.DEPLOYMENT_LIFE.idle_days)


def _deployed(model: Model, at: Situation) -> list[Version]:
    return [
        version
        for version in model.versions
        if not version.withdrawn and version.run_id not in at.busy and at.deployed(version)
    ]


def _why(model: Model, version: Version, at: Situation) -> Why | None:
    if version.asleep_since:
        return Why.ASLEEP  # decided before: what is left is to be done
    state = model.state_of(version.version)
    idle = at.now - last_needed(model, version, at.used)
    if state is State.CHAMPION:
        limit = max(timedelta(hours=version.idle_after), SHORTEST_IDLE)
        may = _on_demand(version) and version.idle_after > 0
        return Why.IDLE if may and idle >= limit else None
    if _failed(version, at):
        return Why.FAILED
    if at.in_use(model, version) or (at.rules.keeps_previous and version.version == model.previous):
        return None
    limit, why = (
        (at.rules.warm, Why.RETIRED)
        if state is State.RETIRED
        else (at.rules.undecided, Why.UNDECIDED)
    )
    if idle >= limit:
        return why
    return Why.SURPLUS if _surplus(model, version, state, at) else None


def _surplus(model: Model, version: Version, state: State, at: Situation) -> bool:
    """Whether as many of the same state as may be kept were needed after it. The champion before
    is none: a rollback goes there."""
    if version.version == model.previous:
        return False

    def order(known: Version) -> tuple[datetime, int]:
        return last_needed(model, known, at.used), known.version

    same = [known for known in _deployed(model, at) if model.state_of(known.version) is state]
    return sum(order(known) > order(version) for known in same) >= at.rules.spare


def _rank(model: Model, version: Version, at: Situation) -> int | None:
    """None for what may not go."""
    state = model.state_of(version.version)
    if state is State.CHAMPION:
        idle = at.now - last_needed(model, version, at.used) >= at.rules.in_use
        return 4 if _on_demand(version) and idle else None
    if _failed(version, at) or version.asleep_since:
        return 0
    if version.version == model.previous:
        return 3
    return 1 if state is State.RETIRED else 2


def _on_demand(version: Version) -> bool:
    return version.keep == "on-demand"


def _failed(version: Version, at: Situation) -> bool:
    found = at.deployed(version)
    return found is not None and found.state in ENDED_BADLY
