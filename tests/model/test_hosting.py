"""The rules: which versions should have a deployment, and in which order room is made."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.cloud.deployments import Deployment
from shared.model.history import Change
from shared.model.hosting import (
    Rules,
    Situation,
    Why,
    due,
    ended_at,
    last_needed,
    what_to_put_to_sleep,
)
from shared.model.registry import Hosted, Model, Version
from shared.model.states import Cause

START = datetime(2026, 11, 1, tzinfo=UTC)
RULES = Rules(warm=timedelta(hours=24), undecided=timedelta(days=7), spare=1)


def after(**time: float) -> datetime:
    return START + timedelta(**time)


def a_version(number: int, model: str = "m", **values: Any) -> Version:
    known = Version(
        version=number,
        run_id=f"{model}-{number}",
        base_model="b",
        fine_tuned_model=f"ft:{model}-{number}",
        deployment=f"{model}-v{number}",
        sku="Standard",
        capacity=1,
        created_at=START,
        dropped_at=after(minutes=number),
    )
    return known.hosted_from(START).replace(**values)


def a_model(*versions: Version, name: str = "m", history: tuple[Change, ...] = ()) -> Model:
    champion = history[-1].version if history else None
    previous = history[-1].before if history else None
    return Model(
        name=name, versions=versions, champion=champion, previous=previous, history=history
    )


def champions(*numbers: int, hours: float = 0) -> tuple[Change, ...]:
    """Each the champion after the one before it, `hours` apart."""
    pairs = zip((None, *numbers), numbers, strict=False)
    return tuple(
        Change(at=after(hours=hours * place), version=new, before=old, cause=Cause.RELEASED)
        for place, (old, new) in enumerate(pairs)
    )


def deployed(*models: Model, state: str = "Succeeded") -> dict[str, Deployment]:
    return {
        version.deployment: Deployment(version.deployment, version.fine_tuned_model, state)
        for model in models
        for version in model.versions
    }


def at(now: datetime, *models: Model, **known: Any) -> Situation:
    return Situation(now, **{"rules": RULES, "there": deployed(*models), **known})


def whys(model: Model, situation: Situation) -> dict[int, Why]:
    return {removal.version.version: removal.why for removal in due(model, situation)}


def names(models: list[Model], situation: Situation) -> list[str]:
    order = what_to_put_to_sleep(models, situation)
    return [f"{removal.model}@{removal.version.version}" for removal in order]


def test_a_champion_that_is_kept_always_stays() -> None:
    model = a_model(a_version(1), history=champions(1))
    assert whys(model, at(after(days=400), model)) == {}


def test_an_idle_champion_on_demand_goes_to_the_hour() -> None:
    model = a_model(a_version(1, keep="on-demand", idle_after=24), history=champions(1))
    assert whys(model, at(after(hours=23.9), model)) == {}
    assert whys(model, at(after(hours=24), model)) == {1: Why.IDLE}
    used = {("m", 1): after(hours=20)}
    assert whys(model, at(after(hours=43.9), model, used=used)) == {}
    assert whys(model, at(after(hours=44), model, used=used)) == {1: Why.IDLE}


def test_no_answer_that_is_on_its_way_is_cut() -> None:
    model = a_model(a_version(1, keep="on-demand", idle_after=0.01), history=champions(1))
    assert whys(model, at(after(minutes=14), model)) == {}
    assert whys(model, at(after(minutes=15), model)) == {1: Why.IDLE}


def test_no_hours_are_never_idle() -> None:
    model = a_model(a_version(1, keep="on-demand", idle_after=0), history=champions(1))
    assert whys(model, at(after(days=100), model)) == {}


def test_one_that_was_woken_counts_from_there() -> None:
    woken = a_version(1, keep="on-demand", idle_after=24)
    woken = woken.hosted_until(after(hours=30)).hosted_from(after(hours=40))
    model = a_model(woken, history=champions(1))
    assert whys(model, at(after(hours=63), model)) == {}
    assert whys(model, at(after(hours=64), model)) == {1: Why.IDLE}


def test_a_retired_version_stays_warm_for_a_time() -> None:
    model = a_model(a_version(1), a_version(2), history=champions(1, 2, hours=10))
    assert whys(model, at(after(hours=33), model)) == {}
    assert whys(model, at(after(hours=34), model)) == {1: Why.RETIRED}
    used = {("m", 1): after(hours=33)}
    assert whys(model, at(after(hours=34), model, used=used)) == {}, "somebody uses it"


def test_of_retired_versions_the_last_stays_warm_and_no_more() -> None:
    model = a_model(*map(a_version, (1, 2, 3, 4)), history=champions(1, 2, 3, 4, hours=1))
    now = after(hours=6)
    assert whys(model, at(now, model)) == {1: Why.SURPLUS, 2: Why.SURPLUS}
    used = {("m", 1): after(hours=5.5)}
    used_one = whys(model, at(now, model, used=used))
    assert used_one == {2: Why.SURPLUS}, "the one that is used, and the champion before"


def test_all_that_somebody_uses_stay() -> None:
    model = a_model(*map(a_version, (1, 2, 3, 4)), history=champions(1, 2, 3, 4, hours=1))
    used = {("m", 1): after(hours=5.2), ("m", 2): after(hours=5.5)}
    assert whys(model, at(after(hours=6), model, used=used)) == {}
    assert whys(model, at(after(hours=6.4), model, used=used)) == {1: Why.SURPLUS}


def test_a_candidate_waits_for_a_person_for_days() -> None:
    model = a_model(a_version(1), a_version(2), history=champions(1))
    assert whys(model, at(after(days=6.9), model)) == {}
    assert whys(model, at(after(days=7), model)) == {2: Why.UNDECIDED}
    two = a_model(*map(a_version, (1, 2, 3)), history=champions(1))
    assert whys(two, at(after(days=1), two)) == {2: Why.SURPLUS}, "the newest is meant"


def test_versions_of_runs_that_are_under_way_are_left_alone() -> None:
    model = a_model(*map(a_version, (1, 2, 3)), history=champions(1))
    assert whys(model, at(after(days=9), model, busy={"m-2", "m-3"})) == {}
    assert names([model], at(after(days=9), model, busy={"m-2", "m-3"})) == []


def test_the_champion_before_stays_where_chats_fall_back_on_it() -> None:
    rules = Rules(RULES.warm, RULES.undecided, spare=0, keeps_previous=True)
    model = a_model(*map(a_version, (1, 2, 3)), history=champions(1, 2, 3, hours=1))
    assert whys(model, at(after(days=9), model, rules=rules)) == {1: Why.RETIRED}


def test_failed_deployments_go_but_the_champions_which_is_made_anew() -> None:
    model = a_model(a_version(1), a_version(2), history=champions(1))
    failed = deployed(model, state="Failed")
    assert whys(model, at(after(hours=1), model, there=failed)) == {2: Why.FAILED}


def test_one_that_sleeps_and_is_deployed_still_goes() -> None:
    model = a_model(a_version(1, asleep_since=START), history=champions(1))
    assert whys(model, at(after(hours=1), model)) == {1: Why.ASLEEP}


def test_what_is_not_ours_or_not_there_is_left_alone() -> None:
    model = a_model(a_version(1), a_version(2), history=champions(2))
    other = {"m-v1": Deployment("m-v1", "ft:other", "Succeeded")}
    going = deployed(model, state="Deleting")
    withdrawn = a_model(a_version(1, withdrawn=True), history=())
    assert whys(model, at(after(days=9), model, there=other)) == {}
    assert whys(model, at(after(days=9), model, there={})) == {}
    assert whys(model, at(after(days=9), model, there=going)) == {}
    assert whys(withdrawn, at(after(days=9), withdrawn)) == {}


def test_room_is_made_in_the_order_of_what_is_missed_least() -> None:
    old = a_model(
        *(a_version(number, "old") for number in (1, 2, 3, 4)),
        name="old",
        history=champions(1, 2, 3, hours=1),
    )
    idle = a_model(
        a_version(1, "idle", keep="on-demand", idle_after=500), name="idle", history=champions(1)
    )
    idler = a_model(
        a_version(1, "idler", keep="on-demand", idle_after=0), name="idler", history=champions(1)
    )
    always = a_model(a_version(1, "always"), name="always", history=champions(1))
    busy = a_model(
        a_version(1, "busy", keep="on-demand", idle_after=9), name="busy", history=champions(1)
    )
    now = after(hours=20)
    models = [busy, always, idle, idler, old]
    used = {("idle", 1): after(hours=3), ("busy", 1): after(hours=19.5)}
    situation = at(now, *models, used=used)
    assert names(models, situation) == ["old@1", "old@4", "old@2", "idler@1", "idle@1"]
    chatted = at(now, *models, used={**used, ("old", 1): after(hours=19.9)})
    assert names(models, chatted) == ["old@4", "old@2", "idler@1", "idle@1", "old@1"]


def test_what_has_failed_makes_room_first() -> None:
    model = a_model(*map(a_version, (1, 2, 3, 4)), history=champions(1, 2, 3))
    there = deployed(model)
    there["m-v4"] = Deployment("m-v4", "ft:m-4", "Failed")
    assert names([model], at(after(hours=9), model, there=there)) == ["m@4", "m@1", "m@2"]


def test_when_azure_has_removed_a_deployment() -> None:
    version = a_version(1)
    model = a_model(version, history=champions(1))
    used = {("m", 1): after(days=1)}
    assert ended_at(model, version, at(after(days=17), model)) == after(days=15)
    assert ended_at(model, version, at(after(days=17), model, used=used)) == after(days=16)
    assert ended_at(model, version, at(after(days=3), model)) == after(days=3), "nobody tells"
    started = Hosted(since=START, sku="developertier", capacity=1)
    developer = version.replace(hosted=(started,))
    assert ended_at(model, developer, at(after(days=3), model, used=used)) == after(hours=24)
    assert ended_at(model, developer, at(after(hours=3), model, used=used)) == after(hours=3)


def test_what_a_version_is_needed_for() -> None:
    model = a_model(a_version(1), a_version(2), history=champions(1, 2, hours=10))
    first, second = model.versions
    assert last_needed(model, first, {}) == after(hours=10), "it was the champion until then"
    assert last_needed(model, second, {("m", 2): after(hours=11)}) == after(hours=11)
    assert last_needed(model, second, {("m", 1): after(hours=11)}) == after(hours=10)
