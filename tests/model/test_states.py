"""The states of versions follow one another as the table says, whatever is done in any order."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.cloud.memory_container import MemoryContainer
from shared.errors import TunedropError
from shared.model import orders
from shared.model.history import Decision
from shared.model.orders import Order
from shared.model.registry import Model, Registry
from shared.model.states import MEANINGS, TRANSITIONS, Cause, State
from tests.support.versions import AT, version

ACTS = ("enter", "release", "promote", "roll back", "withdraw")
acts = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 4)), max_size=25)


async def act(registry: Registry, what: str, number: int, at: timedelta) -> None:
    model = await registry.load("m") or Model(name="m")
    if what == "enter":
        await registry.add_version("m", version(f"m-{number}", dropped=number))
    elif what == "release":
        await registry.promote("m", number, Decision(AT + at))
    elif what == "withdraw":
        await registry.withdraw("m", number, Decision(AT + at))
    else:
        back = what == "roll back"
        wanted = orders.to_roll_back_to(model) if back else number
        cause = Cause.ROLLED_BACK if back else Cause.PROMOTED
        given = {"version": wanted, "expected": model.champion, "who": "Ada", "cause": cause}
        order = Order.model_validate({**given, "id": f"{at}", "model": "m", "at": AT + at})
        await orders.promote(registry, order, orders.decision_of(order, AT + at))


def states(model: Model | None) -> dict[int, State]:
    return {v.version: model.state_of(v.version) for v in model.versions} if model else {}


async def story(done: list[tuple[str, int]]) -> None:
    registry = Registry(MemoryContainer("models"))
    for turn, (what, number) in enumerate(done):
        before = states(await registry.load("m"))
        try:
            await act(registry, what, number, timedelta(hours=turn))
        except TunedropError:
            assert states(await registry.load("m")) == before
        after = states(await registry.load("m"))
        assert list(after.values()).count(State.CHAMPION) <= 1
        for known, state in before.items():
            if state is not after[known]:
                assert (state, after[known]) in TRANSITIONS, (done, turn, known)


@given(acts)
def test_no_version_goes_from_a_state_to_another_that_the_table_does_not_have(
    done: list[tuple[str, int]],
) -> None:
    asyncio.run(story(done))


def test_every_state_is_described_and_can_be_come_to() -> None:
    assert set(MEANINGS) == set(State)
    assert {after for _, after in TRANSITIONS} == set(State)
