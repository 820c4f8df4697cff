"""What a key sees and reaches, whatever name it asks for: without any service."""

from datetime import UTC, datetime

import pytest

from shared.chat.callers import Caller
from shared.chat.routing import Backend, Router
from shared.chat.unanswered import ModelNotReady
from shared.cloud.memory_container import MemoryContainer
from shared.errors import NotFound
from shared.model.registry import Registry, Version
from tests.support.decided import BY_RUN

ANYBODY = Caller(name="web")
AT = datetime(2026, 11, 1, tzinfo=UTC)


async def router(*fallback: str) -> Router:
    """`captain` has three versions, of which the second serves and the third was withdrawn;
    `tickets` is being made."""
    registry = Registry(MemoryContainer("models"))
    for model, count in (("captain", 3), ("tickets", 1)):
        for number in range(count):
            version = Version(
                run_id=f"{model}-{number}",
                base_model="b",
                fine_tuned_model=f"ft-{model}-{number}",
                sku="S",
                capacity=1,
                created_at=AT,
                dropped_at=AT,
            )
            await registry.add_version(model, version)
    for number in (1, 2):
        await registry.promote("captain", number, BY_RUN)
    await registry.withdraw("captain", 3, BY_RUN)
    return Router(registry, ("base",), fallback)


def names(backends: list[Backend]) -> list[str]:
    return [backend.name for backend in backends]


async def test_a_key_sees_and_reaches_its_own_models_alone() -> None:
    own = Caller(name="bot", models=frozenset({"captain"}))
    routes = await router()
    assert await routes.names(own) == ["captain"]
    assert await routes.names(ANYBODY) == ["captain", "base"]
    assert names(await routes.backends("captain@1", own)) == ["captain@1"]
    for asked in ("base", "tickets", "tickets@1", "base@1"):
        with pytest.raises(NotFound, match="There is no model"):
            await routes.backends(asked, own)
    for models, says in ((frozenset[str](), "None of what this key may use"), (None, "captain")):
        with pytest.raises(NotFound, match=says):
            await routes.backends("captian", Caller(name="bot", models=models))


@pytest.mark.parametrize(
    "name", ["captain-v1", "gpt-4.1-nano", "../captain", "wake/captain", "captain.json", "CAPTAIN"]
)
async def test_no_deployment_is_reached_that_nobody_has_named(name: str) -> None:
    with pytest.raises(NotFound, match="There is no model"):
        await (await router()).backends(name, ANYBODY)


async def test_the_champion_answers_and_then_who_was_set_to() -> None:
    routes = await router("previous", "base", "other@https://x.openai.azure.com")
    found = await routes.backends("captain", ANYBODY)
    assert names(found) == ["captain@2", "captain@1", "base", "other@https://x.openai.azure.com"]
    assert [backend.deployment for backend in found] == [
        "captain-v2",
        "captain-v1",
        "base",
        "other",
    ]
    assert [backend.endpoint for backend in found][2:] == [None, "https://x.openai.azure.com"]
    assert names(await routes.backends("captain@2", ANYBODY)) == ["captain@2"]
    with pytest.raises(ModelNotReady):
        await routes.backends("tickets", ANYBODY)


async def test_a_withdrawn_version_is_no_candidate_and_a_new_one_is() -> None:
    routes = await router()
    with pytest.raises(NotFound, match="captain has no candidate"):
        await routes.backends("captain@candidate", ANYBODY)
    assert names(await routes.backends("tickets@candidate", ANYBODY)) == ["tickets@1"]
