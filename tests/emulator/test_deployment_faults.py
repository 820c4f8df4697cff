"""Deployments that did not come to be, and what may be done with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import account_path
from .in_process import Inside, inside


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as running:
        yield running


def test_a_failed_deployment_is_deleted_before_it_is_made_again(emulator: Inside) -> None:
    emulator.fault("provisioning-failed")
    emulator.put("doomed")
    assert emulator.state("doomed") == "Failed"
    refused = emulator.put("Doomed", "gpt-4.1-mini")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")
    assert "'Failed' state, please delete it before" in refused.json()["error"]["message"]
    assert emulator.state("doomed") == "Failed"
    assert emulator.arm.delete(account_path("/deployments/doomed")).status_code == 202
    emulator.advance(5)
    assert emulator.put("doomed").status_code == 201
    assert emulator.state("doomed") == "Succeeded"


def test_a_deployment_can_end_canceled(emulator: Inside) -> None:
    emulator.fault("provisioning-canceled")
    operation = emulator.put("stopped").headers["azure-asyncoperation"]
    assert emulator.state("stopped") == "Canceled"
    told = emulator.arm.get(operation).json()
    assert (told["status"], told["error"]["code"]) == ("Canceled", "OperationCanceled")
