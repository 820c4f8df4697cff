"""What has been trained is deployed in another way where a person asks: no second job."""

import json
from typing import Any

import pytest

from shared import api
from shared.errors import CallerError, NotNow
from shared.run import deploying, redeployments
from shared.run.record import Action
from shared.run.stages import ENDS, Stage
from tests.support.datasets import dataset
from tests.support.deploying import (
    DEVELOPER,
    STANDARD,
    asked,
    deployed,
    memory,
    refused_after_training,
    version,
)
from tests.support.harness import on_both
from tests.support.limits import dropped, limited, with_settings
from tests.support.offered import entry, offering
from tests.support.requests import request
from tests.support.runs import RunHarness


@pytest.mark.parametrize("values", [{"sku": "standard"}, {"sku": "GlobalStandard", "capacity": 3}])
async def test_a_person_deploys_what_was_trained_with_another_sku(values: dict[str, Any]) -> None:
    harness = limited()
    run = await refused_after_training(harness)
    run = await asked(harness, run, **values)
    assert (run.failure, run.attempt) == (None, 2)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert deployed(harness, run)[0].lower() == values["sku"].lower()
    assert deployed(harness, run)[1] == values.get("capacity", 40)
    assert len(memory(harness).jobs) == 1
    said = f"deploy: {deployed(harness, run)[0]}, capacity {deployed(harness, run)[1]}"
    lines = [(line["message"], line["who"], line["why"]) for line in await harness.log(run)]
    assert (said, "Ada", "because") in lines


async def test_the_capacity_that_fits_is_offered_and_works() -> None:
    harness = limited()
    memory(harness).quota_left = 8
    run = await harness.until(await dropped(harness, STANDARD), Stage.FAILED)
    assert run.failure
    assert run.failure.blame == "caller"
    assert run.failure.fix.startswith(f"`tunedrop deploy {run.id} --capacity 8`")
    assert "retry" not in run.failure.fix
    run = await harness.until(await asked(harness, run, capacity=8), *ENDS)
    assert run.stage is Stage.SERVING
    assert deployed(harness, run) == ("Standard", 8)


async def test_where_no_quota_is_left_another_sku_is_offered() -> None:
    harness = limited()
    memory(harness).quota_left = 0
    run = await harness.until(await dropped(harness, STANDARD), Stage.FAILED)
    assert run.failure
    assert f"`tunedrop deploy {run.id} --sku GlobalStandard`" in run.failure.fix
    assert "a quota of its own" in run.failure.fix
    assert "retry" not in run.failure.fix


@pytest.mark.parametrize(
    ("stage", "values"),
    [
        (Stage.TRAINED, {"sku": "GlobalStandard", "capacity": 2}),
        (Stage.DEPLOYING, {"sku": "GlobalStandard"}),
        (Stage.DEPLOYING, {"capacity": 2}),
        (Stage.PROBING, {"sku": "GlobalStandard"}),
        (Stage.PROBING, {"capacity": 2}),
    ],
)
async def test_a_deployment_that_is_being_made_becomes_another(
    stage: Stage, values: dict[str, Any]
) -> None:
    harness = limited()
    memory(harness).configure(creating_seconds=3, readiness_gap_seconds=3)
    if stage is Stage.TRAINED:
        harness.service.arm("throttled", "deployments.put")
    run = await harness.until(await dropped(harness, STANDARD), stage)
    run = await asked(harness, run, **values)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert deployed(harness, run) == (values.get("sku", "Standard"), values.get("capacity", 40))
    assert run.attempt == 1


async def test_a_run_whose_job_went_on_unseen_is_followed_and_deployed_as_asked() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, STANDARD), Stage.TRAINING)
    run = await harness.rewrite(run, stage=Stage.FAILED)
    run = await harness.until(await asked(harness, run, capacity=2), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert deployed(harness, run) == ("Standard", 2)
    assert len(memory(harness).jobs) == 1


async def test_a_run_without_a_model_has_none_to_deploy() -> None:
    harness = limited()
    harness.service.arm("job-failed")
    run = await harness.until(await dropped(harness, STANDARD), Stage.FAILED)
    with pytest.raises(NotNow, match="none to deploy") as refused:
        await asked(harness, run, capacity=2)
    assert f"`tunedrop retry {run.id}`" in refused.value.fix
    assert (await harness.known(run.id)).stage is Stage.FAILED


async def test_the_deployment_of_what_serves_is_made_anew_where_it_is_gone() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, STANDARD), Stage.SERVING)
    memory(harness).deployed.clear()
    run = await asked(harness, run, capacity=2)
    assert run.stage is Stage.SERVING
    await redeployments.process(harness.ctx)
    assert deployed(harness, run) == ("Standard", 2)


async def test_what_serves_is_left_as_it_is_over_the_ceiling_of_hosting() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, DEVELOPER), Stage.SERVING)
    await harness.until_inactive()
    with_settings(harness, hosting_budget=1.0)
    with pytest.raises(NotNow, match=r"It serves as before.+TUNEDROP_HOSTING_BUDGET"):
        await asked(harness, run, sku="Standard")
    assert deployed(harness, run)[0] == "DeveloperTier"
    assert (await harness.known(run.id)).spec.deployment.sku == "DeveloperTier"


async def test_a_dearer_sku_is_asked_for_under_the_ceiling_of_hosting() -> None:
    """Its place was reserved for one that costs nothing by the hour."""
    harness = limited(hosting_budget=1.0)
    memory(harness).configure(creating_seconds=3)
    run = await harness.until(await dropped(harness, DEVELOPER), Stage.DEPLOYING)
    run = await harness.until(await asked(harness, run, sku="Standard"), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "TUNEDROP_HOSTING_BUDGET" in run.failure.message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"capacity": 100_000}, "at most"),
        ({"capacity": 0}, "capacity is 0"),
        ({"capacity": True}, "capacity is"),
        ({"capacity": "12"}, "capacity is"),
        ({"capacity": 2**80}, "at most"),
        ({"sku": "Standart"}, "did you mean Standard"),
        ({"sku": "ProvisionedManaged"}, "provisioned"),
        ({"sku": ["Standard"]}, "sku is"),
        ({"sku": {"a": "\x1b[31m"}}, "sku is"),
        ({"sku": ""}, "sku is"),
    ],
)
async def test_what_the_app_does_not_allow_is_refused_by_name(
    values: dict[str, Any], said: str
) -> None:
    harness = limited()
    run = await refused_after_training(harness)
    with pytest.raises(CallerError) as refused:
        await asked(harness, run, **values)
    assert said in refused.value.message
    assert refused.value.message.isprintable()
    assert refused.value.fix
    assert (await harness.known(run.id)).stage is Stage.FAILED


async def test_the_api_takes_sku_and_capacity_with_who_and_why(harness: RunHarness) -> None:
    await harness.drop(dataset(10, harness.model))
    run = await harness.until(await harness.received(), Stage.SERVING)
    body = json.dumps({"who": "Ada", "why": "more", "sku": "Standard", "capacity": 9}).encode()
    given: Any = await api.command(request(run.id, "deploy", body), harness.ctx)
    assert given.status_code == 202
    told = json.loads(given.body)
    assert told["spec"]["deployment"] == {"sku": "Standard", "capacity": 9}
    bad: Any = await api.command(request(run.id, "deploy", b'{"capacity": "much"}'), harness.ctx)
    assert bad.status_code == 400
    assert "capacity" in json.loads(bad.body)["error"]["message"]
    for body in (b"[]", b"null", b"{", b'{"who": 1}'):
        bad = await api.command(request(run.id, "deploy", body), harness.ctx)
        assert bad.status_code == 400


@on_both
async def test_another_capacity_is_asked_of_a_deployment_that_serves(harness: RunHarness) -> None:
    """On the stack by the real SDK's PUT, which the emulator takes as Azure does."""
    await harness.drop(b"deployment: {capacity: 3}\n", "run.yaml")
    await harness.drop(dataset(10, harness.model))
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    await asked(harness, run, capacity=4)
    found = await harness.ctx.clients.deployments.get(str(run.deployment))
    assert found
    assert (found.capacity, found.state) == (4, "Succeeded")
    assert (await version(harness, run)).capacity == 4


async def test_an_open_weight_model_is_deployed_with_the_format_of_its_base() -> None:
    """With another than its own, Azure answers 500 for ever."""
    harness = limited()
    run_yaml = b"base_model: gpt-oss-20b\ndeployment: {sku: GlobalStandard, capacity: 10}\n"
    run = await harness.until(await dropped(harness, run_yaml), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert memory(harness).deployed[str(run.deployment)].format == "Microsoft"
    memory(harness).deployed.clear()
    await asked(harness, run, capacity=5)
    await redeployments.process(harness.ctx)
    assert memory(harness).deployed[str(run.deployment)].format == "Microsoft"


async def test_a_preview_of_the_table_is_asked_for_and_a_refusal_says_what_is_possible() -> None:
    """The table may be old: what the account offers is deployed."""
    for refused in (("Standard",), ()):
        harness = limited()
        memory(harness).unsupported_skus = refused
        run = await harness.until(await dropped(harness, STANDARD), Stage.TRAINING)
        base = run.spec.model_copy(update={"base_model": "gpt-oss-120b"})
        run = await harness.until(await harness.rewrite(run, spec=base), *ENDS)
        assert "deployments.put" in memory(harness).journal
        assert run.stage is (Stage.FAILED if refused else Stage.SERVING), run.failure
        if run.failure:
            assert f"{run.fine_tuned_model} stays at the service" in run.failure.fix
            assert "managed compute" in run.failure.fix
            assert "retry" not in run.failure.fix
            assert run.failure.blame == "caller"


async def test_what_the_account_offers_is_taken_whatever_the_table_says() -> None:
    harness = limited()
    open_weights = {"methods": "supervised", "format": "Microsoft"}
    memory(harness).offers = offering(
        entry("gpt-oss-120b", "1", ("GlobalStandard",), **open_weights)
    )
    run = await harness.until(await dropped(harness, b"base_model: gpt-oss-120b\n"), *ENDS)
    assert run.stage is Stage.SERVING, run.failure


async def test_a_version_remembers_the_method_that_it_was_trained_with() -> None:
    harness = limited()
    memory(harness).unsupported_skus = ()
    run = await harness.until(await dropped(harness, STANDARD), Stage.TRAINING)
    by_dpo = run.spec.model_copy(update={"method": "dpo"})
    run = await harness.until(await harness.rewrite(run, spec=by_dpo), *ENDS)
    assert (await version(harness, run)).method == "dpo"


async def test_what_is_gone_comes_back_as_it_was_where_another_sku_is_refused() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, STANDARD), Stage.SERVING)
    memory(harness).deployed.clear()
    memory(harness).unsupported_skus = ("DataZoneStandard",)
    with pytest.raises(NotNow) as refused:
        await asked(harness, run, sku="DataZoneStandard")
    assert "is made anew as it was (Standard)" in refused.value.message
    assert f"`tunedrop deploy {run.id} --sku " in refused.value.fix
    assert (await version(harness, run)).sku == "Standard"
    async with harness.ctx.with_copies() as ctx:
        await redeployments.process(ctx)
    assert deployed(harness, run)[0] == "Standard"
    assert (await harness.known(run.id)).spec.deployment.sku == "Standard"


async def test_a_version_that_cannot_come_back_is_told_to_take_another_sku() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, STANDARD), Stage.SERVING)
    memory(harness).deployed.clear()
    memory(harness).unsupported_skus = ("Standard",)
    await harness.command(run, Action.RETRY)
    async with harness.ctx.with_copies() as ctx:
        await redeployments.process(ctx)
    told = str(await harness.messages(run, "deployment"))
    assert f"`tunedrop deploy {run.id} --sku " in told


@pytest.mark.parametrize(
    ("key", "meant"), [("skus", "sku"), ("Capacity", "capacity"), ("x" * 99, "")]
)
def test_a_misspelled_key_of_deploy_is_refused_by_name(key: str, meant: str) -> None:
    with pytest.raises(CallerError) as refused:
        deploying.asked_for({"who": "Ada", "why": "", key: 3})
    assert f"{key[:40]}'" in refused.value.message
    assert (f"did you mean {meant}." in refused.value.message) is bool(meant)
