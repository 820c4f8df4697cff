"""Emulators for the tests: one that they share, and one that a test has for itself."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import AzureOpenAI, OpenAI

from .harness import (
    BASE_MODEL,
    Running,
    Tuned,
    answer_once_ready,
    dataset,
    deploy,
    finished,
    running_emulator,
    upload,
)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One emulator for nearly all tests; they keep apart by the names that they give."""
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def emulator(shared: Running) -> Iterator[Running]:
    """The shared one, without faults and with the settings that it came with."""
    yield shared
    shared.control("reset", "POST", {"parts": ["faults", "settings"]})
    shared.advance(5)  # whatever deployment is still being made or deleted stands in nobody's way


@pytest.fixture(scope="session")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_emulator(tmp_path_factory.mktemp("alone")) as running:
        yield running


@pytest.fixture
def alone(emptied: Running) -> Running:
    """One that a test has for itself, as new: it may be filled to its limits, or reset."""
    emptied.control("reset", "POST")
    return emptied


@pytest.fixture
def v1(emulator: Running) -> Iterator[OpenAI]:
    with emulator.v1() as client:
        yield client


@pytest.fixture
def dated(emulator: Running) -> Iterator[AzureOpenAI]:
    with emulator.dated() as client:
        yield client


@pytest.fixture
def arm(emulator: Running) -> Iterator[CognitiveServicesManagementClient]:
    with ExitStack() as stack:
        yield stack.enter_context(emulator.arm())


@pytest.fixture(scope="session")
def tuned(shared: Running) -> Iterator[Tuned]:
    """A job that went well, with validation, a suffix and everything."""
    with shared.v1() as client:
        job = client.fine_tuning.jobs.create(
            model=BASE_MODEL,
            training_file=upload(client, dataset()),
            validation_file=upload(client, dataset(3), "valid.jsonl"),
            suffix="pirate",
            seed=3,
            metadata={"run": "r-1"},
            method={
                "type": "supervised",
                "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": "auto"}},
            },
            extra_body={"trainingType": "GlobalStandard"},
        )
        yield Tuned(job, finished(client, job.id))


@pytest.fixture(scope="session")
def base(shared: Running) -> str:
    """The name of a deployment of a base model that answers."""
    with shared.arm() as arm, shared.v1() as client:
        deploy(arm, "always", "gpt-4.1-nano", "2025-04-14", capacity=100)
        answer_once_ready(client, "always")
    return "always"
