"""One real stack for all tests of a process that ask for one."""

from collections.abc import Iterator

import pytest

from tests.support.stack import StackHarness, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHarness]:
    with running_stack(tmp_path_factory.mktemp("stack")) as harness:
        yield harness
