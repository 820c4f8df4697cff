"""An emulator that is stopped and started again: what is still there, and what a reset removes."""

from pathlib import Path
from typing import Any

from openai import OpenAI

from .harness import BASE_MODEL, Running, dataset, finished, running_emulator, upload, wait_until

ENQUEUED = "Job enqueued. Waiting for jobs ahead to complete."


def start(client: OpenAI, training_file: str, epochs: int) -> str:
    hyperparameters: Any = {"n_epochs": epochs}
    return client.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=training_file, hyperparameters=hyperparameters, seed=1
    ).id


def steps(client: OpenAI, job: str) -> list[int]:
    events = client.fine_tuning.jobs.list_events(job, limit=1000)
    return [event.data["step"] for event in events if event.type == "metrics"]  # type: ignore[index]


def status(client: OpenAI, job: str) -> str:
    return str(client.fine_tuning.jobs.retrieve(job).status)


def test_a_restart_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with running_emulator(tmp_path) as emulator, emulator.v1() as client:
        file = upload(client, dataset())
        paused = start(client, file, 12)
        wait_until(lambda: bool(steps(client, paused)))
        client.fine_tuning.jobs.pause(paused)
        wait_until(lambda: status(client, paused) == "paused")
        interrupted = start(client, file, 1000)
        wait_until(lambda: bool(steps(client, interrupted)))
        emulator.advance(100)
        emulator.settings(job_shape="null")
        emulator.fault("throttled", "uploads.create")
    with running_emulator(tmp_path) as emulator, emulator.v1() as client:
        state = emulator.control("state")
        assert state["clock"]["ahead_seconds"] == 100
        assert state["settings"]["job_shape"] == "null"
        assert [fault["fault"] for fault in state["faults"]] == ["throttled"]
        assert client.files.content(file).content == dataset()
        events = [event.message for event in client.fine_tuning.jobs.list_events(interrupted)]
        assert ENQUEUED in events[:5] or events.count(ENQUEUED) == 2
        client.fine_tuning.jobs.cancel(interrupted)
        assert finished(client, interrupted).status == "cancelled"

        client.fine_tuning.jobs.resume(paused)
        done = finished(client, paused)
        assert done.status == "succeeded", done.error
        assert sorted(steps(client, paused)) == list(range(1, 61)), "each step once"

        reset_in_the_middle_of_a_training(emulator, client)


def reset_in_the_middle_of_a_training(emulator: Running, client: OpenAI) -> None:
    endless = start(client, upload(client, dataset()), 1000)
    wait_until(lambda: status(client, endless) == "running")
    emulator.control("reset", "POST")
    after = start(client, upload(client, dataset()), 1)
    wait_until(lambda: emulator.effects("job", after)[-1] == "succeeded")
    assert [job.id for job in client.fine_tuning.jobs.list()] == [after]
