"""One real stack for all tests of a process that ask for one, and which tests share a process."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.stack import StackHarness, running_stack

# Tests of one home run in one process, for they share what takes seconds to start: four homes have
# a stack each, the others an emulator or storage. A file that stands nowhere is a home of its own.
# The first ones take longest and begin first.
HOMES = {
    "a stack for runs": (
        "tests/reliability",
        "tests/run/test_commands.py",
        "tests/run/test_deploying.py",
        "tests/run/test_digests.py",
        "tests/run/test_drops.py",
        "tests/run/test_missed_drops.py",
        "tests/run/test_outages.py",
        "tests/run/test_over_api.py",
        "tests/run/test_planning.py",
        "tests/run/test_storage_outage.py",
        "tests/run/test_ticks.py",
        "tests/shared",
    ),
    "a stack for chats": (
        "tests/end_to_end/test_loop.py",
        "tests/end_to_end/test_open_weights.py",
        "tests/end_to_end/test_tool.py",
        "tests/end_to_end/test_command_line.py",
        "tests/end_to_end/test_examples.py",
        "tests/end_to_end/test_export.py",
        "tests/end_to_end/test_sample.py",
        "tests/end_to_end/test_hostile_drops.py",
        "tests/doctor",
        "tests/chat/test_clients.py",
        "tests/chat/test_event_loop.py",
        "tests/chat/test_feedback.py",
        "tests/chat/test_masking.py",
        "tests/chat/test_relay.py",
        "tests/chat/test_streaming.py",
        "tests/chat/test_upstream.py",
        "tests/chat/test_usage.py",
        "tests/security/test_defences.py",
        "tests/telemetry",
        "tests/tool/test_export.py",
        "tests/test_openapi.py",
    ),
    "a stack for the console": ("tests/console",),
    "a stack for Microsoft's engine": ("tests/engine",),
    "an emulator": ("tests/emulator",),
    "a demo": ("tests/end_to_end/test_demo.py",),
    "processes": ("tests/end_to_end",),
    "a host": ("tests/host",),
    "environments": ("tests/infra",),
}


def home_of(nodeid: str) -> str:
    """Of a test; its file, where it has none."""
    fits = (
        home for home, places in HOMES.items() if any(nodeid.startswith(place) for place in places)
    )
    return next(fits, nodeid.partition("::")[0])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    turns = {home: turn for turn, home in enumerate(HOMES)}
    items.sort(key=lambda item: turns.get(home_of(item.nodeid), len(turns)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class ByHome(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return home_of(nodeid)

    return ByHome(config, log)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHarness]:
    with running_stack(tmp_path_factory.mktemp("stack")) as harness:
        yield harness
