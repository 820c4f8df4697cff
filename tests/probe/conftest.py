"""One emulator for all tests of the probe; each of its probes has a name of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probe.probed import Probed, emulator_at


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    with emulator_at(tmp_path_factory.mktemp("probed")) as running:
        yield running


@pytest.fixture
def probed(shared: Probed) -> Iterator[Probed]:
    """As it came, and as empty."""
    yield shared
    shared.as_it_came()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
