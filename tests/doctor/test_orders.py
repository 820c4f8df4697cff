"""The doctor tells of orders and deletions that do not come to an end."""

from typing import cast

from shared.cloud.rest import RestClient
from shared.doctor import records
from shared.doctor.context import Context
from shared.doctor.result import CheckResult, State
from shared.run import deletion_plan, deletions, promotions
from shared.run.deletion_plan import Target
from shared.run.promotions import Asked
from tests.support.served import Versions


async def looked_at(made: Versions) -> CheckResult:
    clients, nobody = made.ctx.clients, cast(RestClient, None)
    ctx = Context({}, made.ctx.now, 0, clients.settings, {}, clients, nobody)
    (result,) = await records.orders(ctx)
    return result


async def test_what_waits_for_longer_than_an_hour_is_told_with_what_is_in_the_way() -> None:
    made = await Versions.serving(2)
    assert (await looked_at(made)).state is State.OK
    made.loses(1)
    made.service.arm("not-ready", "deployments.put", count=None)
    await promotions.give(Asked("captain", 1, "Ada"), made.ctx)
    assert "1 are under way" in (await looked_at(made)).message
    made.clock.advance(3_700)
    late = await looked_at(made)
    assert late.state is State.WARNING
    assert "promote captain@1: captain@1 has no deployment that answers" in late.message


async def test_a_deletion_that_waits_is_told_as_well() -> None:
    made = await Versions.serving(1)
    plan = await deletion_plan.plan(Target("captain"), False, made.ctx)
    await deletions.give(Target("captain"), False, plan.digest, "Ada", "", made.ctx)
    made.clock.advance(3_700)
    late = await looked_at(made)
    assert "delete captain: Chats that have begun are finished first." in late.message
