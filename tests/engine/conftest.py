"""Microsoft's engine and this project's host with the same app, each through the same story."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import hosts, story
from tests.environments import engine_python, environment
from tests.infra.package import locked
from tests.processes import ROOT
from tests.support.stack import StackHarness

ENGINE = "azure-functions-runtime==1.3.0"  # https://pypi.org/project/azure-functions-runtime/
NEVER = "0 0 0 29 2 *"  # ticks are asked for


@pytest.fixture(scope="session")
def engine_environment() -> Path:
    """The engine, and what the app ships with, in a Python that the engine is for."""
    python = engine_python()
    if python is None:
        pytest.skip("Microsoft's engine needs Python 3.13 or newer, and there is none here")
    pins = [str(requirement) for requirement, _ in locked()]
    return environment("engine", "--no-deps", *pins, ENGINE, python=python)


def bare() -> dict[str, str]:
    """What a process needs of this one's environment; nothing of the app's settings."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}


def settings(stack: StackHarness, model: str) -> dict[str, str]:
    """The app's, with containers of its own."""
    digest = hashlib.sha256(story.APP_KEY.encode()).hexdigest()
    keys = [{"name": "somebody", "role": "operator", "sha256": digest}]
    stack.blobs.create_container(f"feedback-{model}")
    return bare() | stack.apart(
        model,
        AzureWebJobsStorage=stack.addresses.storage,
        AzureFunctionsWebHost__hostid=f"story-{model}",
        PYTHON_ENABLE_INIT_INDEXING="1",
        TUNEDROP_FEEDBACK_CONTAINER=f"feedback-{model}",
        TUNEDROP_TICK=NEVER,
        TUNEDROP_APP_KEYS=json.dumps(keys),
        TUNEDROP_REMEMBER=model,
        TUNEDROP_DAILY_RUNS="0",
        TUNEDROP_COMPARE_EXAMPLES="1",
    )


@pytest.fixture(scope="session")
def engine(
    stack: StackHarness, engine_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[hosts.Engine]:
    log = tmp_path_factory.mktemp("engine") / "engine.log"
    environ = settings(stack, hosts.Engine.model)
    host = hosts.Engine(engine_environment, ROOT, environ, log)
    with hosts.closing(host):
        yield host


@pytest.fixture(scope="session")
def laptop(
    stack: StackHarness, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[hosts.LocalHost]:
    log = tmp_path_factory.mktemp("laptop") / "host.log"
    host = hosts.LocalHost(ROOT, settings(stack, hosts.LocalHost.model), log)
    with hosts.closing(host):
        yield host


@pytest.fixture(scope="session")
def under_engine(stack: StackHarness, engine: hosts.Engine) -> story.Told:
    return story.told(engine, f"datasets-{engine.model}", stack.blobs)


@pytest.fixture(scope="session")
def under_laptop(stack: StackHarness, laptop: hosts.LocalHost) -> story.Told:
    return story.told(laptop, f"datasets-{laptop.model}", stack.blobs)
