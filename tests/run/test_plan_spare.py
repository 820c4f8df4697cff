"""An account that is full of the app's own versions which nobody needs has room for a run."""

from dataclasses import replace
from typing import Any

import pytest

from shared.cloud.deployments import Deployment
from shared.cloud.offers import Quota
from shared.run.answers import Answer, Says
from shared.run.plan import plan
from shared.run.spec import DeploymentSpec, Spec, effective
from shared.run.stages import Stage
from tests.support.offered import NOW, offers, quotas
from tests.support.settings import SETTINGS
from tests.support.tended import Tended

TUNED = "gpt-4.1-nano-2025-04-14.ft-x"


def spec(**changes: Any) -> Spec:
    return effective(None, SETTINGS).model_copy(update=changes)


def said(question: str, spare: tuple[Spec, ...], coming: int = 0, **account: Any) -> Answer:
    others = tuple(spec() for _ in range(coming))
    made = plan(spec(), offers(**account), NOW, coming=others, spare=spare)
    return next(answer for answer in made.answers if answer.id == question)


def full() -> tuple[Deployment, ...]:
    return tuple(Deployment(f"tuned-{n}", TUNED, "Succeeded") for n in range(10))


@pytest.mark.parametrize(("spare", "coming", "says"), [(1, 0, Says.YES), (1, 1, Says.NO)])
def test_a_slot_that_somebody_can_do_without_is_one(spare: int, coming: int, says: Says) -> None:
    answer = said("slot", (spec(),) * spare, coming, deployments=full())
    assert answer.says is says
    assert ("put to sleep" in answer.sentence) is (says is Says.YES)


def test_only_quota_of_the_same_model_and_sku_helps() -> None:
    small = {name: replace(one, limit=1) for name, one in quotas().items()}
    need = spec().deployment
    same = spec(deployment=DeploymentSpec(sku=need.sku, capacity=need.capacity))
    other = spec(base_model="gpt-4o-mini-2024-07-18")
    assert isinstance(next(iter(small.values())), Quota)
    assert said("quota", (), quotas=small).says is Says.NO
    assert said("quota", (same,), quotas=small).says is Says.YES
    assert said("quota", (other,), quotas=small).says is Says.NO


async def test_a_run_goes_on_where_one_of_its_own_versions_makes_room() -> None:
    tended = Tended.in_memory()
    await tended.look()
    await tended.dropped(10)
    await tended.dropped(11)
    there = [Deployment(name, TUNED, "Succeeded") for name in tended.deployed()]
    tended.service.offers = offers(deployments=(*there, *full()[:8]))
    tended.service.configure(deployment_limit=2)
    assert (await tended.dropped(12)).stage is Stage.SERVING
    assert tended.deployed() == ["captain-v2", "captain-v3"]


async def test_where_none_can_be_spared_it_is_said_before_it_is_paid_for() -> None:
    tended = Tended.in_memory()
    await tended.look()
    await tended.dropped(10)
    tended.service.offers = offers(deployments=full())
    await tended.harness.drop(name="run.yaml", content=b"seed: 7\n")
    run = await tended.harness.until(await tended.harness.received(), Stage.FAILED)
    assert "10 of 10 deployments" in str(run.failure)
    assert run.job_id is None
