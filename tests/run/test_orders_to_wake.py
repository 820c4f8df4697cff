"""Which versions a request has deployed: a chat's those that the app keeps, a person's any."""

from shared.model.redeploy import RedeployRequests, request_for, requested_version
from tests.support.decided import BY_RUN
from tests.support.tended import Tended


async def three() -> Tended:
    tended = Tended.in_memory()
    await tended.look()
    for examples in (10, 11, 12):
        await tended.dropped(examples)
    await tended.look(8)
    assert tended.deployed() == ["captain-v2", "captain-v3"]
    return tended


async def test_a_request_that_no_person_has_made_deploys_no_old_version() -> None:
    """As one that was left while it was the champion before."""
    tended = await three()
    requests = RedeployRequests(tended.models, tended.harness.ctx.now)
    await requests.add("captain@1")
    await tended.look(4)
    assert tended.deployed() == ["captain-v2", "captain-v3"]
    assert await requests.requested() == []


async def test_a_persons_request_does() -> None:
    tended = await three()
    requests = RedeployRequests(tended.models, tended.harness.ctx.now)
    await requests.add_at_once("captain@1")
    await tended.look(4)
    assert tended.deployed() == ["captain-v1", "captain-v2", "captain-v3"]
    assert await requests.requested() == []


async def test_what_a_request_names() -> None:
    tended = await three()
    model = await tended.model()
    assert [request_for(model, number) for number in (1, 2, 3)] == [None, "captain@2", "captain"]
    assert requested_version("captain@1", model) is None
    assert requested_version("captain@1", model, ordered=True) == model.version(1)
    assert requested_version("captain@9", model, ordered=True) is None
    await tended.harness.ctx.registry.withdraw("captain", 1, BY_RUN)
    assert requested_version("captain@1", await tended.model(), ordered=True) is None
