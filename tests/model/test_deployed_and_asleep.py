"""The registry's record of a version's deployment: since when it has one, when it sleeps."""

from datetime import timedelta

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.errors import NotFound, Refused
from shared.model.registry import Hosted, Model, Registry, Version
from tests.support.decided import BY_RUN
from tests.support.versions import AT, version

HOUR = timedelta(hours=1)


@pytest.fixture
async def registry() -> Registry:
    registry = Registry(MemoryContainer("models"))
    for run_id in ("m-a", "m-b"):
        await registry.add_version("m", version(run_id))
    return registry


async def known(registry: Registry, number: int = 1) -> Version:
    model = await registry.load("m")
    assert model
    return model.version(number)


def stretch(since: int, until: int | None, capacity: int = 1) -> Hosted:
    ended = None if until is None else AT + until * HOUR
    return Hosted(since=AT + since * HOUR, until=ended, sku="DeveloperTier", capacity=capacity)


async def test_a_deployment_is_kept_from_when_it_was_made_until_it_has_gone(
    registry: Registry,
) -> None:
    untouched = await known(registry, 2)
    for hours in (1, 2):  # a second worker notes it once more
        model = await registry.note_hosted("m", 1, AT + hours * HOUR)
    assert model.version(1).hosted == (stretch(1, None),)
    assert model.version(1).is_hosted
    for hours in (3, 4):
        model = await registry.note_unhosted("m", 1, AT + hours * HOUR)
    assert model.version(1).hosted == (stretch(1, 3),)
    await registry.note_hosted("m", 1, AT + 5 * HOUR)
    await registry.note_unhosted("m", 1, AT)  # by a clock that is behind
    assert (await known(registry)).hosted == (stretch(1, 3), stretch(5, 5))
    assert await known(registry, 2) == untouched


def test_another_size_begins_another_stretch() -> None:
    first = version("m-a").hosted_from(AT).hosted_until(AT + HOUR).hosted_from(AT + 2 * HOUR)
    changed = first.replace(capacity=7).hosted_from(AT + 4 * HOUR)
    assert changed.hosted == (stretch(0, 1), stretch(2, 4), stretch(4, None, 7))
    assert changed.hosted_until(AT + 5 * HOUR).hosted[:2] == changed.hosted[:2]


async def test_a_version_sleeps_where_it_may_and_is_awake_once_it_is_deployed(
    registry: Registry,
) -> None:
    asked: list[Model] = []

    def may(model: Model) -> bool:
        asked.append(model)
        return True

    model = await registry.put_to_sleep("m", 1, AT, lambda model: False)
    assert model.version(1).asleep_since is None
    model = await registry.put_to_sleep("m", 1, AT, may)
    assert [model.name for model in asked] == ["m"]
    assert model.version(1).asleep_since == AT
    await registry.put_to_sleep("m", 1, AT + HOUR, may)
    assert (await known(registry)).asleep_since == AT, "it sleeps since then"
    assert (await known(registry, 2)).asleep_since is None
    model = await registry.note_hosted("m", 1, AT + 2 * HOUR)
    assert (model.version(1).asleep_since, model.version(1).is_hosted) == (None, True)


async def test_what_is_withdrawn_is_not_put_to_sleep(registry: Registry) -> None:
    await registry.withdraw("m", 1, BY_RUN)
    model = await registry.put_to_sleep("m", 1, AT, lambda model: True)
    assert model.version(1).asleep_since is None


async def test_how_long_it_stays_and_which_model_it_is_may_change(registry: Registry) -> None:
    early = (await known(registry)).replace(checkpoint=7)
    model = await registry.load("m")
    assert model
    stored = model.with_version(early).model_dump_json().encode()
    await registry.models.put("m.json", stored, "application/json")
    before, other = await known(registry), await known(registry, 2)
    assert before.checkpoint == 7
    model = await registry.keep_as("m", 1, "on-demand", 2.5)
    assert model.version(1) == before.replace(keep="on-demand", idle_after=2.5)
    model = await registry.use_finished("m", 1, "tuned-whole")
    changed = before.replace(keep="on-demand", idle_after=2.5, fine_tuned_model="tuned-whole")
    assert model.version(1) == changed.replace(checkpoint=None)
    assert model.version(2) == other
    for call in (registry.keep_as("m", 9, "always", 0.0), registry.note_hosted("m", 9, AT)):
        with pytest.raises(NotFound):
            await call


async def test_a_model_that_is_being_deleted_takes_no_version(registry: Registry) -> None:
    model = await registry.load("m")
    assert model
    going = model.replace(deleting=AT).model_dump_json().encode()
    await registry.models.put("m.json", going, "application/json")
    with pytest.raises(Refused, match="m is being deleted: it takes no new version"):
        await registry.add_version("m", version("m-c"))


async def test_a_number_is_not_given_again_after_its_version_was_deleted(
    registry: Registry,
) -> None:
    model = await registry.load("m")
    assert model
    old = model.replace(numbered=0).model_dump_json().encode()  # from before it was kept
    await registry.models.put("m.json", old, "application/json")
    assert (await registry.add_version("m", version("m-c"))).version == 3
    model = await registry.load("m")
    assert model
    left = model.replace(versions=model.versions[:1]).model_dump_json().encode()
    await registry.models.put("m.json", left, "application/json")
    assert (await registry.add_version("m", version("m-d"))).version == 4
