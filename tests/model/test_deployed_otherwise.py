"""A version that is deployed in another way: its record says how, and nothing else changes."""

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.errors import NotFound
from shared.model.registry import Hosted, Registry
from tests.support.versions import AT, version


async def test_another_sku_and_capacity_are_kept_and_the_rest_stays() -> None:
    registry = Registry(MemoryContainer("models"))
    entered = await registry.add_version("m", version("m-a"))
    await registry.add_version("m", version("m-b"))
    wanted = entered.replace(sku="Standard", capacity=7, fine_tuned_model="of nobody")
    model = await registry.set_deployment("m", wanted, AT)
    assert model.name == "m"
    hosted = Hosted(since=AT, sku="Standard", capacity=7)
    changed = entered.replace(sku="Standard", capacity=7, hosted=(hosted,))
    assert model.version(1) == changed
    assert await registry.load("m") == model
    with pytest.raises(NotFound):
        await registry.set_deployment("m", wanted.replace(version=3), AT)


async def test_a_run_that_is_deployed_again_has_its_version_as_it_asks_now() -> None:
    registry = Registry(MemoryContainer("models"))
    await registry.add_version("m", version("m-a"))
    again = await registry.add_version("m", version("m-a").replace(sku="Standard", capacity=7))
    assert (again.version, again.sku, again.capacity) == (1, "Standard", 7)
