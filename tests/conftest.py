"""One real stack for all tests of a process that ask for one."""

from collections.abc import Iterator

import pytest

from tests.support.stack import StackHarness, running_stack

# What waits most begins first, so that no process is left with it while the others have nothing.
SLOW_FIRST = (
    "tests/reliability/test_chaos.py",
    "tests/reliability",
    "tests/end_to_end/test_demo.py",
    "tests/emulator/test_restart.py",
    "tests/infra/test_package.py",
    "tests/end_to_end",
    "tests/simulation",
    "tests/emulator",
    "tests/host",
    "tests/doctor",
    "tests/tool",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.nodeid))


def _turn(nodeid: str) -> int:
    fits = (turn for turn, place in enumerate(SLOW_FIRST) if nodeid.startswith(place))
    return next(fits, len(SLOW_FIRST))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHarness]:
    with running_stack(tmp_path_factory.mktemp("stack")) as harness:
        yield harness
