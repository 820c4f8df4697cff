"""What the doctor finds at Azure OpenAI: endpoint, outages, clock, models and limits."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doctor.conftest import CheckedApp
from tests.doctor.ids import DATA, OF_DEPLOYMENTS
from tests.emulator.harness import BASE_MODEL, dataset, deploy, finished, upload
from tests.support.stack import StackHarness


async def test_another_service_at_the_endpoint_proves_no_right(
    app: CheckedApp, stack: StackHarness
) -> None:
    results = await app.check(AZURE_OPENAI_ENDPOINT=f"{stack.addresses.app_url}/elsewhere")
    assert set(results.failed) == {"endpoint"}
    assert "404, unlike Azure OpenAI" in results.failed["endpoint"].message
    assert results.unknown == DATA | {"jobs-left"}


async def test_an_endpoint_of_another_account(app: CheckedApp) -> None:
    elsewhere = app.service.url.replace("127.0.0.1", "localhost")
    results = await app.check(AZURE_OPENAI_ENDPOINT=elsewhere)
    assert set(results.failed) == {"endpoint"}
    assert "whose own is http://127.0.0.1" in results.failed["endpoint"].message


async def test_an_outage_of_the_service_is_no_missing_right(app: CheckedApp) -> None:
    app.service.fault("error-before", "files.list")
    app.service.fault("unavailable", "deployments.list")
    results = await app.check()
    assert not results.failed
    assert results.unknown == {"files.read", "deployments.read"} | OF_DEPLOYMENTS


async def test_a_clock_that_is_wrong(app: CheckedApp) -> None:
    late, hopeless = timedelta(seconds=100), timedelta(minutes=6)
    assert (await app.check(ahead=late)).failed["clock"].state == "warning"
    result = (await app.check(ahead=-hopeless)).failed["clock"]
    assert result.state == "problem"
    assert "behind" in result.message
    assert "timedatectl" in result.fix


@pytest.mark.parametrize(("day", "state"), [("2026-02-01", "ok"), ("2027-03-01", "warning")])
async def test_a_base_model_near_its_end(app: CheckedApp, day: str, state: str) -> None:
    ahead = datetime.fromisoformat(day).replace(tzinfo=UTC) - datetime.now(UTC)
    results = await app.check(ahead=ahead)
    assert [result.state for result in results.all if result.id == "base-model"] == [state]


async def test_no_room_for_another_job(app: CheckedApp) -> None:
    app.service.settings(queue_seconds=3600)
    with app.service.v1() as client:
        file = upload(client, dataset())
        jobs = [
            client.fine_tuning.jobs.create(model=BASE_MODEL, training_file=file).id
            for _ in range(20)
        ]
        try:
            results = await app.check()
        finally:
            for job in jobs:
                client.fine_tuning.jobs.cancel(job)
    assert set(results.failed) == {"jobs-left"}
    assert results.failed["jobs-left"].state == "problem"
    assert "20 of 20 queued" in results.failed["jobs-left"].message
    assert "az rest --method delete" in results.failed["jobs-left"].fix


async def test_no_room_for_another_deployment(app: CheckedApp) -> None:
    app.service.settings(write_conflicts=False, creating_seconds=0, deleting_seconds=0)
    with app.service.v1() as client, app.service.arm() as arm:
        file = upload(client, dataset())
        job = client.fine_tuning.jobs.create(model=BASE_MODEL, training_file=file)
        model = finished(client, job.id).fine_tuned_model
        for number in range(10):
            deploy(arm, f"tuned-{number}", model)
        try:
            results = await app.check()
        finally:
            for number in range(10):
                arm.deployments.begin_delete("rg", "account", f"tuned-{number}", polling=False)
    assert set(results.failed) == {"deployments-left"}
    assert results.failed["deployments-left"].state == "problem"
    assert "10 of 10 deployments of tuned models" in results.failed["deployments-left"].message
    assert "deployment delete" in results.failed["deployments-left"].fix
