"""The service's deployments, and the faults of its calls: the emulator and the double alike."""

import pytest

from shared.errors import Denied, Refused, ServiceError, Throttled, Unavailable
from tests.support.contract import Service


async def test_a_deployment_is_made_answers_and_goes(service: Service) -> None:
    model, name = await service.trained(), f"{service.name}-v1"
    service.control.configure(readiness_gap_seconds=2, creating_seconds=1, deleting_seconds=1)
    assert await service.deployments.get(name) is None
    await service.deployments.put(name, model, "GlobalStandard", 1)
    created = await service.deployments.get(name)
    assert created
    assert (created.name, created.model, created.state) == (name, model, "Creating")
    with pytest.raises(Unavailable, match="RequestConflict"):
        await service.deployments.put(f"{service.name}-v2", model, "GlobalStandard", 1)
    await service.state_of(name, "Succeeded")
    with pytest.raises(Refused) as not_yet:
        await service.finetuning.ask(name, "Say hello.")
    assert not_yet.value.code == "DeploymentNotFound"
    await service.deployments.put(name, model, "GlobalStandard", 1)  # once more changes nothing
    assert await service.state_of(name, "Succeeded", "Creating") == "Succeeded"
    answer: str | None = None
    while answer is None:
        service.let_time_pass()
        try:
            answer = await service.finetuning.ask(name, "Say hello.")
        except Refused as error:
            assert error.code == "DeploymentNotFound"
    await service.deployments.delete(name)
    assert await service.state_of(name, "Deleting", "") == "Deleting"
    with pytest.raises(Unavailable, match="RequestConflict"):
        await service.deployments.put(name, model, "GlobalStandard", 1)
    assert await service.state_of(name, "") == ""
    await service.deployments.delete(name)  # deleted already


async def test_what_cannot_be_deployed_is_refused(service: Service) -> None:
    with pytest.raises(Refused) as refused:
        await service.deployments.put(f"{service.name}-v1", "gpt-x.ft-1", "GlobalStandard", 1)
    assert refused.value.code == "DeploymentModelNotSupported"


async def test_deployments_fail_are_stuck_or_have_no_quota(service: Service) -> None:
    model, name = await service.trained(), f"{service.name}-v1"
    service.control.arm("insufficient-quota")
    with pytest.raises(Refused) as refused:
        await service.deployments.put(name, model, "GlobalStandard", 1)
    assert refused.value.code == "InsufficientQuota"
    service.control.arm("provisioning-failed")
    await service.deployments.put(name, model, "GlobalStandard", 1)
    assert await service.state_of(name, "Failed", "Succeeded") == "Failed"
    with pytest.raises(Refused, match="please delete it"):
        await service.deployments.put(name, model, "GlobalStandard", 1)
    service.control.arm("not-ready")
    name = f"{service.name}-v2"
    await service.deployments.put(name, model, "GlobalStandard", 1)
    await service.state_of(name, "Succeeded")
    service.let_time_pass()
    with pytest.raises(Refused) as unready:
        await service.finetuning.ask(name, "Say hello.")
    assert unready.value.code == "DeploymentNotFound"


@pytest.mark.parametrize(
    ("fault", "error", "code", "retry_after"),
    [
        ("error-before", Unavailable, "internalFailure", (None, None)),
        ("error-after", Unavailable, "internalFailure", (None, None)),
        ("reset-before", Unavailable, "", (None, None)),
        ("reset-after", Unavailable, "", (None, None)),
        ("throttled", Throttled, "429", (7, 7)),
        ("throttled-ms", Throttled, "429", (0.2, 0.2)),
        ("throttled-date", Throttled, "429", (4, 7)),
        ("unavailable", Unavailable, "serviceUnavailable", (7, 7)),
        ("denied", Denied, "PermissionDenied", (None, None)),
    ],
)
async def test_a_call_goes_wrong_and_only_after_has_an_effect(
    service: Service,
    fault: str,
    error: type[ServiceError],
    code: str,
    retry_after: tuple[float | None, float | None],
) -> None:
    timed = fault in ("throttled", "throttled-date", "unavailable")
    service.control.arm(fault, "files.create", **({"retry_after": 7} if timed else {}))
    with pytest.raises(error) as raised:
        await service.upload("once")
    assert type(raised.value) is error
    assert raised.value.code == code
    least, most = retry_after
    if isinstance(raised.value, Unavailable):
        asked = raised.value.retry_after
        assert asked == least if least is None or most is None else least <= (asked or 0) <= most
    there = await service.finetuning.files({f"{service.name}-once"})
    assert len(there) == (1 if fault.endswith("-after") else 0)
    await service.upload("once")
    assert service.control.struck() == {f"{fault} files.create": 1}


async def test_faults_strike_by_pattern_and_as_often_as_was_said(service: Service) -> None:
    service.control.arm("unavailable", "jobs.*", count=2)
    await service.finetuning.files({"x"})
    for _ in range(2):
        with pytest.raises(Unavailable):
            await service.finetuning.job("ftjob-x")
    assert await service.finetuning.job("ftjob-x") is None
    service.control.arm("denied", "deployments.get", count=None)
    for _ in range(3):
        with pytest.raises(Denied, match="role"):
            await service.deployments.get("x")
    service.control.disarm()
    assert await service.deployments.get("x") is None
