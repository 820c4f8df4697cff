"""One contract for the service: what the real clients at the emulator and the double both do.

What a job goes through is watched once on each side; the tests of runs stand on the double.
"""

from contextlib import suppress

import pytest

from shared.errors import Refused, Throttled, Unavailable
from shared.model.evaluation import Answer, answer_of
from shared.run.results import read_results
from tests.support.contract import BASE, Service
from tests.support.datasets import dataset

# ---- files


async def test_a_file_is_pending_then_processed_then_gone(service: Service) -> None:
    file = await service.upload("one.jsonl")
    assert file.status in ("pending", "processed")
    assert (await service.file_in(file.id, "processed")).name == f"{service.name}-one.jsonl"
    await service.finetuning.delete_file(file.id)
    assert await service.finetuning.file(file.id) is None
    await service.finetuning.delete_file(file.id)  # deleted already
    assert await service.finetuning.find_file(file.name) is None


async def test_a_file_tells_its_size_as_soon_as_it_is_there(service: Service) -> None:
    content = dataset(10, service.name)
    file = await service.upload("sized", content)
    found = await service.finetuning.find_file(file.name)
    assert found
    assert (file.size, found.size) == (len(content), len(content))


async def test_files_are_found_by_name_the_newest_first(service: Service) -> None:
    first = await service.processed("same")
    second = await service.processed("same")
    await service.processed("other")
    found = await service.finetuning.files({first.name})
    assert [file.id for file in found] == [second.id, first.id]
    newest = await service.finetuning.find_file(first.name)
    assert newest
    assert newest.id == second.id


async def test_a_file_with_an_error_is_listed_and_not_found(service: Service) -> None:
    service.control.arm("file-error", "files.create")
    file = await service.upload("bad")
    assert (await service.file_in(file.id, "error", "processed")).status == "error"
    assert [found.id for found in await service.finetuning.files({file.name})] == [file.id]
    assert await service.finetuning.find_file(file.name) is None


async def test_a_file_that_is_stuck_stays_pending(service: Service) -> None:
    service.control.arm("file-stuck", "files.create")
    file = await service.upload("stuck")
    service.let_time_pass()
    found = await service.finetuning.file(file.id)
    assert found
    assert found.status == "pending"
    with pytest.raises(Refused, match="completed file import"):
        await service.finetuning.submit(service.request(file))


async def test_a_resource_has_room_for_a_hundred_files(service: Service) -> None:
    there = len(service.control.files_of(""))
    for number in range(100 - there):
        service.control.add_file(f"{service.name}-{number}", dataset(1))
    with pytest.raises(Refused, match="100 fine-tuning files already") as refused:
        await service.upload()
    assert refused.value.code == "quotaExceeded"


# ---- jobs


async def test_a_job_goes_from_the_queue_to_a_model_with_its_losses(service: Service) -> None:
    validation = await service.processed("validation", dataset(5, "Aye"))
    job = await service.job(validation_file=validation.id)
    assert job.status in ("pending", "running")
    assert (job.fine_tuned_model, job.result_file, job.trained_tokens) == (None, None, None)
    ended = await service.job_in(job.id, "succeeded", "failed")
    assert ended.status == "succeeded"
    assert str(ended.fine_tuned_model).startswith(f"{BASE}.ft-")
    assert str(ended.fine_tuned_model).endswith(service.name)
    assert (ended.n_epochs, ended.batch_size) == (2, 5)
    assert ended.trained_tokens

    checkpoints = await service.finetuning.checkpoints(job.id)
    assert [checkpoint.step for checkpoint in checkpoints] == [2, 4]
    assert all(c.train_loss and c.valid_loss and c.checkpoint for c in checkpoints)
    steps = read_results(await service.finetuning.text(str(ended.result_file)))
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert all(step.train_loss for step in steps)

    events = await service.finetuning.recent_events(job.id)
    assert [event.metric.step for event in events if event.metric] == [1, 2, 3, 4]
    assert len({event.id for event in events}) == len(events)
    messages = [event.message for event in events if not event.metric]
    assert messages[0] == "Job enqueued. Waiting for jobs ahead to complete."
    assert messages[1] == "Job started."
    assert "Job succeeded." in messages
    assert f"Completed results file: {ended.result_file}" in messages


async def test_a_job_is_found_by_its_metadata_unless_it_is_past(service: Service) -> None:
    service.control.arm("job-stuck", count=2)
    older = await service.job()
    newer = await service.job()
    metadata = {"tunedrop_run": service.name}
    find = service.finetuning.find_job
    assert (found := await find(metadata, None, ())) and found.id == newer.id
    assert (found := await find(metadata, None, (newer.id,))) and found.id == older.id
    assert await find(metadata, None, (newer.id, older.id)) is None
    assert await find({"tunedrop_run": "another"}, None, ()) is None


async def test_a_job_that_tells_another_digest_is_not_found_and_one_without_is(
    service: Service,
) -> None:
    service.control.arm("job-stuck", count=2)
    metadata = {"tunedrop_run": service.name}
    find = service.finetuning.find_job
    older = await service.job(metadata=metadata)
    newer = await service.job(metadata={**metadata, "tunedrop_training_sha256": "a" * 64})
    for digest, known in (("a", newer), ("b", older)):
        digests = {"tunedrop_training_sha256": digest * 64}
        assert (found := await find(metadata, None, (), digests)) and found.id == known.id
    assert (found := await find(metadata, None, ())) and found.id == newer.id


async def test_a_job_without_metadata_is_found_by_its_file(service: Service) -> None:
    service.control.arm("job-stuck")
    file = await service.processed()
    job = await service.finetuning.submit(service.request(file, metadata={}))
    found = await service.finetuning.find_job({"tunedrop_run": "x"}, file.id, ())
    assert found
    assert found.id == job.id
    assert await service.finetuning.find_job({"tunedrop_run": "x"}, "file-other", ()) is None
    await service.finetuning.cancel(job.id)


async def test_a_job_of_another_run_is_not_found_by_its_file(service: Service) -> None:
    """The same file in two runs: a job that says whose it is belongs to that one."""
    service.control.arm("job-stuck")
    file = await service.processed()
    other = {"tunedrop_run": "other"}
    job = await service.finetuning.submit(service.request(file, metadata=other))
    assert await service.finetuning.find_job({"tunedrop_run": "x"}, file.id, ()) is None
    found = await service.finetuning.find_job(other, file.id, ())
    assert found
    assert found.id == job.id
    await service.finetuning.cancel(job.id)


async def test_what_a_job_cannot_be_made_of_is_refused(service: Service) -> None:
    file = await service.processed()
    with pytest.raises(Refused, match="does not support fine-tuning"):
        await service.finetuning.submit(service.request(file, base_model="gpt-3"))
    await service.finetuning.delete_file(file.id)
    with pytest.raises(Refused, match="does not exist"):
        await service.finetuning.submit(service.request(file))


async def test_a_full_queue_is_throttled(service: Service) -> None:
    service.control.configure(queue_limit=0)
    with pytest.raises(Throttled, match="429") as throttled:
        await service.job()
    assert throttled.value.code == "tooManyRequests"


async def test_a_job_in_the_queue_is_cancelled_at_once_and_once(service: Service) -> None:
    service.control.arm("job-stuck")
    job = await service.job()
    await service.finetuning.cancel(job.id)
    found = await service.finetuning.job(job.id)
    assert found
    assert found.status == "cancelled"
    with pytest.raises(Refused, match="already cancelled"):
        await service.finetuning.cancel(job.id)
    service.control.delete_job(job.id)
    assert await service.finetuning.job(job.id) is None
    with pytest.raises(Refused, match="does not exist"):
        await service.finetuning.cancel(job.id)


async def test_a_job_that_trains_is_paused_resumed_and_cancelled(service: Service) -> None:
    many = await service.processed("many", dataset(400, service.name))
    job = await service.finetuning.submit(service.request(many, hyperparameters={"n_epochs": 9}))
    await service.job_in(job.id, "running")
    while not [e for e in await service.finetuning.recent_events(job.id) if e.metric]:
        service.let_time_pass()
    await service.finetuning.pause(job.id)
    await service.job_in(job.id, "paused")
    with pytest.raises(Refused, match="Only a running job"):
        await service.finetuning.pause(job.id)
    await service.finetuning.resume(job.id)
    await service.job_in(job.id, "running")
    with pytest.raises(Refused, match="not paused"):
        await service.finetuning.resume(job.id)
    await service.finetuning.cancel(job.id)
    await service.job_in(job.id, "cancelled")
    events = [event.message for event in await service.finetuning.recent_events(job.id)]
    assert events[-1] == "Job cancelled."


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("job-failed", "internalFailure", "Please try again"),
        ("job-unsafe-data", "contentFilter", "RAI checks"),
        ("job-unsafe-model", "contentFilter", "unable to be deployed"),
    ],
)
async def test_a_job_fails_with_a_reason(
    service: Service, fault: str, code: str, message: str
) -> None:
    service.control.arm(fault)
    job = await service.job()
    ended = await service.job_in(job.id, "failed", "succeeded")
    assert (ended.status, ended.fine_tuned_model) == ("failed", None)
    assert ended.error_code == code
    assert message in ended.error_message


async def test_a_job_whose_file_is_gone_before_it_starts_fails(service: Service) -> None:
    service.control.configure(queue_seconds=1)
    file = await service.processed()
    job = await service.finetuning.submit(service.request(file))
    await service.finetuning.delete_file(file.id)
    ended = await service.job_in(job.id, "failed", "succeeded")
    assert ended.status == "failed"
    assert "no longer exists" in ended.error_message


async def test_every_job_is_listed_with_what_tells_whose_it_is(service: Service) -> None:
    metadata = {"tunedrop_run": service.name, "tunedrop_app": "a"}
    job = await service.job(metadata=metadata)
    (listed,) = [j for j in await service.finetuning.list_jobs() if j.job.id == job.id]
    assert (listed.base_model, dict(listed.metadata)) == (BASE, metadata)
    assert [(await service.finetuning.file(file)) is not None for file in listed.files] == [True]


async def test_a_chat_is_answered_whole_in_the_services_own_shape(service: Service) -> None:
    model, name = await service.trained(), f"{service.name}-v1"
    await service.deployments.put(name, model, "GlobalStandard", 1)
    await service.state_of(name, "Succeeded")
    asked = {"messages": [{"role": "user", "content": "Hello"}], "max_completion_tokens": 3}
    answer = Answer(failure="not ready")
    while answer.failed:  # ready by its own account, it does not answer at once
        service.let_time_pass()
        with suppress(Refused):
            answer = answer_of(await service.finetuning.complete(name, asked), 1.0)
    assert answer.completion_tokens <= 3
    assert answer.prompt_tokens
    with pytest.raises(Refused) as refused:
        await service.finetuning.complete("nobody", asked)
    assert (refused.value.status, refused.value.code) == (404, "DeploymentNotFound")
    await service.deployments.delete(name)


async def test_every_deployment_is_listed_with_its_model_and_sku(service: Service) -> None:
    model, name = await service.trained(), f"{service.name}-v1"
    await service.deployments.put(name, model, "GlobalStandard", 1)
    (listed,) = [d for d in await service.deployments.list() if d.name == name]
    assert (listed.model, listed.sku) == (model, "GlobalStandard")
    await service.state_of(name, "Succeeded")
    await service.deployments.delete(name)


async def test_a_model_is_deleted_once_it_is_not_deployed(service: Service) -> None:
    model, name = await service.trained(), f"{service.name}-v1"
    await service.deployments.put(name, model, "GlobalStandard", 1)
    await service.state_of(name, "Succeeded")
    with pytest.raises(Unavailable):
        await service.finetuning.delete_model(model)
    await service.deployments.delete(name)
    await service.state_of(name, "")
    await service.finetuning.delete_model(model)
    await service.finetuning.delete_model(model)  # one that is gone is as good
    with pytest.raises(Refused) as refused:
        await service.deployments.put(name, model, "GlobalStandard", 1)
    assert refused.value.code == "DeploymentModelNotSupported"
