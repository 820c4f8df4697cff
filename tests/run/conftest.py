"""Runs moved by hand, step by step: in memory, or on the stack's real storage and service."""

import pytest

from tests.support.control import ServiceControl
from tests.support.harness import harness
from tests.support.receiver import telling, there
from tests.support.runs import RunHarness

__all__ = ["harness", "service", "telling", "there"]


@pytest.fixture
def service(harness: RunHarness) -> ServiceControl:
    return harness.service
