"""The registry alone: numbers are given once, and the champion is who should answer."""

import asyncio
from datetime import timedelta

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.errors import NotFound, TunedropError
from shared.model.history import Decision
from shared.model.registry import Model, Registry
from shared.model.states import Cause, State
from tests.support.decided import BY_RUN
from tests.support.versions import AT, version


@pytest.fixture
def registry() -> Registry:
    return Registry(MemoryContainer("models"))


async def entered(registry: Registry, *dropped: int) -> None:
    for day in dropped:
        await registry.add_version("m", version(f"m-{day}", day))


async def champions(registry: Registry) -> tuple[int | None, int | None]:
    model = await registry.load("m")
    assert model
    return model.champion, model.previous


async def test_versions_are_numbered_from_one_and_named_by_model_and_number(
    registry: Registry,
) -> None:
    assert await registry.load("m") is None
    first = await registry.add_version("m", version("m-a"))
    second = await registry.add_version("m", version("m-b"))
    assert [(v.version, v.deployment) for v in (first, second)] == [(1, "m-v1"), (2, "m-v2")]
    model = await registry.load("m")
    assert model
    assert model.name == "m"
    assert [v.run_id for v in model.versions] == ["m-a", "m-b"]


async def test_a_run_has_one_version_however_often_it_is_entered(registry: Registry) -> None:
    first = await registry.add_version("m", version("m-a"))
    await registry.withdraw("m", 1, BY_RUN)
    again = await registry.add_version("m", version("m-a"))
    assert again == first
    assert not again.withdrawn


async def test_a_number_is_not_given_again_after_a_withdrawal(registry: Registry) -> None:
    await entered(registry, 1)
    await registry.withdraw("m", 1, BY_RUN)
    assert (await registry.add_version("m", version("m-b"))).version == 2


async def test_many_at_once_get_a_number_each(registry: Registry) -> None:
    made = await asyncio.gather(
        *(registry.add_version("m", version(f"m-{number}")) for number in range(5))
    )
    assert {v.version for v in made} == {1, 2, 3, 4, 5}


async def test_the_newest_dataset_answers_and_the_one_before_is_known(registry: Registry) -> None:
    await entered(registry, 1, 2)
    assert await registry.promote("m", 1, BY_RUN)
    assert await champions(registry) == (1, None)
    await registry.promote("m", 2, BY_RUN)
    assert await champions(registry) == (2, 1)
    await registry.promote("m", 2, BY_RUN)  # once more, by a second worker
    assert await champions(registry) == (2, 1)


async def test_an_older_dataset_that_was_slow_does_not_turn_a_model_back(
    registry: Registry,
) -> None:
    await entered(registry, 2, 1)
    await registry.promote("m", 1, BY_RUN)
    assert (await registry.promote("m", 2, BY_RUN)).champion == 1
    assert await champions(registry) == (1, None)


async def test_of_two_datasets_of_one_moment_the_later_version_answers(registry: Registry) -> None:
    await registry.add_version("m", version("m-a"))
    await registry.add_version("m", version("m-b"))
    await registry.promote("m", 1, BY_RUN)
    assert (await registry.promote("m", 2, BY_RUN)).champion == 2


async def test_a_version_that_was_withdrawn_is_not_promoted(registry: Registry) -> None:
    await entered(registry, 1)
    await registry.withdraw("m", 1, BY_RUN)
    assert (await registry.promote("m", 1, BY_RUN)).champion is None


async def test_a_champion_that_is_withdrawn_gives_way_to_the_one_before(
    registry: Registry,
) -> None:
    await entered(registry, 1, 2, 3)
    for number in (1, 2):
        await registry.promote("m", number, BY_RUN)
    model = await registry.withdraw("m", 2, BY_RUN)
    assert (model.champion, model.previous) == (1, None)
    assert [v.withdrawn for v in model.versions] == [False, True, False]
    assert model.version(2).deployment == "m-v2"


async def test_the_one_before_is_forgotten_when_it_is_withdrawn(registry: Registry) -> None:
    await entered(registry, 1, 2, 3)
    for number in (1, 2):
        await registry.promote("m", number, BY_RUN)
    await registry.withdraw("m", 3, BY_RUN)
    assert await champions(registry) == (2, 1)
    await registry.withdraw("m", 1, BY_RUN)
    assert await champions(registry) == (2, None)


async def test_what_is_not_there_is_named_with_what_is(registry: Registry) -> None:
    with pytest.raises(NotFound, match=r"m has no version 3\.") as missing:
        await registry.promote("m", 3, BY_RUN)
    assert missing.value.fix == "It has: none yet."
    await entered(registry, 1, 2)
    for call in (registry.promote("m", 3, BY_RUN), registry.withdraw("m", 3, BY_RUN)):
        with pytest.raises(NotFound) as missing:
            await call
        assert missing.value.fix == "It has: 1, 2."


def test_the_candidate_is_the_newest_version_that_has_not_answered_yet() -> None:
    one, two = (version("m-a").replace(version=n, run_id=f"m-{n}") for n in (1, 2))
    assert Model(name="m").candidate is None
    assert Model(name="m", versions=(one,)).candidate == 1
    assert Model(name="m", versions=(one, two), champion=1).candidate == 2
    assert Model(name="m", versions=(one, two), champion=2, previous=1).candidate is None
    gone = two.replace(withdrawn=True)
    assert Model(name="m", versions=(one, gone), champion=1).candidate is None
    assert Model(name="m", versions=(one, gone)).candidate == 1


async def test_no_version_that_has_answered_before_is_a_candidate(registry: Registry) -> None:
    await entered(registry, 1, 2)
    for number in (1, 2):
        await registry.promote("m", number, BY_RUN)
    rolled_back = (await registry.load("m") or Model(name="m")).with_champion(1, BY_RUN)
    assert rolled_back.candidate is None
    third = rolled_back.version(2).replace(version=3, run_id="m-3")
    assert rolled_back.with_version(third).candidate == 3


def test_a_version_is_found_by_its_run() -> None:
    one, two = (version("m-a").replace(version=n, run_id=f"m-{n}") for n in (1, 2))
    model = Model(name="m", versions=(one, two))
    assert model.of_run("m-2") == two
    assert model.of_run("m-3") is None


def test_a_changed_version_takes_its_own_place_in_order() -> None:
    one, two = (version("m-a").replace(version=n) for n in (1, 2))
    changed = one.replace(withdrawn=True)
    assert Model(name="m", versions=(one, two)).with_version(changed).versions == (changed, two)
    assert Model(name="m", versions=(two,)).with_version(one).versions == (one, two)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"name": "other"}, "another model"),
        ({"numbers": (1, 1)}, "one number"),
        ({"champion": 3}, "champion"),
        ({"champion": 1, "previous": 3}, "champion"),
        ({"champion": 2, "previous": 1}, None),
    ],
)
def test_a_record_that_contradicts_itself_is_told(
    changes: dict[str, object], says: str | None
) -> None:
    given = {"name": "m", "numbers": (1, 2), "champion": None, "previous": None, **changes}
    numbers = given.pop("numbers")
    versions = tuple(version("m-a").replace(version=n) for n in numbers)  # type: ignore[attr-defined]
    misfit = Model.model_validate({**given, "versions": versions}).misfit("m.json")
    assert misfit is None if says is None else says in str(misfit)


async def test_a_record_that_cannot_be_read_hides_no_other_model(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    await entered(registry, 1)
    await registry.models.create("broken.json", b"{")
    await registry.models.create("wake/m", b"")
    problems: list[TunedropError] = []
    assert [model.name for model in await registry.all(problems)] == ["m"]
    assert len(problems) == 1
    assert "broken.json" in str(problems[0])
    assert "broken.json" in caplog.text
    assert [model.name for model in await registry.all()] == ["m"]


async def test_every_change_of_the_champion_is_kept_with_its_moment_and_cause(
    registry: Registry,
) -> None:
    await entered(registry, 1, 2, 3)
    hours = [AT + timedelta(hours=hour) for hour in range(5)]
    await registry.promote("m", 1, Decision(hours[0]))
    await registry.promote("m", 1, Decision(hours[1]))  # once more: nothing changes
    await registry.promote("m", 2, Decision(hours[2], Cause.PROMOTED, "Ada", "it is kinder", "v"))
    model = await registry.withdraw("m", 2, Decision(hours[3]))
    assert [(seen.before, seen.version, seen.cause, seen.at) for seen in model.history] == [
        (None, 1, Cause.RELEASED, hours[0]),
        (1, 2, Cause.PROMOTED, hours[2]),
        (2, 1, Cause.WITHDRAWN, hours[3]),
    ]
    assert (model.history[1].who, model.history[1].why, model.history[1].verdict) == (
        ("Ada", "it is kinder", "v")
    )
    served = [model.served_at(hour) for hour in (AT - timedelta(hours=1), *hours)]
    assert [seen and seen.version for seen in served] == [None, 1, 1, 2, 1, 1]


async def test_a_version_is_a_candidate_until_it_has_served_or_a_newer_one_serves(
    registry: Registry,
) -> None:
    await entered(registry, 1, 2, 3)
    await registry.promote("m", 2, BY_RUN)
    model = await registry.load("m")
    assert model
    assert [model.state_of(number) for number in (1, 2, 3)] == [
        State.RETIRED,  # its dataset is older than the champion's
        State.CHAMPION,
        State.CANDIDATE,
    ]
    await registry.promote("m", 3, BY_RUN)
    model = await registry.withdraw("m", 3, BY_RUN)
    assert [model.state_of(number) for number in (1, 2, 3)] == [
        State.RETIRED,
        State.CHAMPION,
        State.WITHDRAWN,
    ]
