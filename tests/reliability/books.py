"""The books of a storm: what the service has done, by its journal, beside what the records know.

Asks only once the storm is over and every run has ended.
"""

from collections.abc import Iterable
from typing import Any

from local.stack import ACCOUNT, GROUP
from shared.model.registry import Model
from shared.run.record import Run
from shared.run.stages import DEPLOYED
from tests.support.stack import StackHarness

LOST = {"error-after", "reset-after"}  # it was done, and its caller was not told


def assert_uploads(stack: StackHarness, since: int, runs: list[Run], killed: int) -> None:
    """Every file that a record knows was uploaded, once. Another one is explained by an answer that
    was lost, to a fault or with its worker, or by a file that ended with an error."""
    calls = stack.emulator(f"journal?operation=files.create&after={since}", None, "GET")
    made = [(call, effect["id"]) for call in calls["data"] for effect in call["effects"]]
    ids = [id for _, id in made]
    known = [file.file_id for run in runs for file in run.files if file.file_id]
    assert len(set(known)) == len(known), "two runs have one file"
    assert set(known) <= set(ids), "a record knows a file that nobody has uploaded"
    explained = sum(call["fault"] in {*LOST, "file-error"} for call in calls["data"])
    surplus = [id for id in ids if id not in known]
    assert len(surplus) <= explained + killed, f"{surplus} are in no record"


def assert_deployments(
    stack: StackHarness, prefix: str, runs: list[Run], models: list[Model]
) -> None:
    """Each that is there is a version's, with its model; each champion's is there and ready."""
    versions = {version.deployment: version for model in models for version in model.versions}
    there = {
        found.name: found.properties
        for found in stack.control.deployments.list(GROUP, ACCOUNT)
        if found.name and found.name.startswith(prefix)
    }
    for name, properties in there.items():
        assert properties
        assert properties.model
        assert properties.model.name == versions[name].fine_tuned_model
        going = properties.provisioning_state == "Deleting"
        assert going or not versions[name].withdrawn, f"{name} was withdrawn and is still there"
    for model in models:
        champion = next((v for v in model.versions if v.version == model.champion), None)
        if champion:
            properties = there.get(champion.deployment)
            assert properties, f"{champion.deployment} serves and is not there"
            assert properties.provisioning_state == "Succeeded"
    served = {v.run_id for m in models for v in m.versions if not v.withdrawn}
    assert {run.id for run in runs if run.stage in DEPLOYED} <= served


def leased(stack: StackHarness, name: str) -> list[str]:
    """Blobs of an app beside the stack's own on which somebody has a lease."""
    return [
        blob.name
        for kind in ("datasets", "runs", "models")
        for blob in stack.container(f"{kind}-{name}").list_blobs()
        if blob.lease.state == "leased"
    ]


def active(stack: StackHarness, name: str) -> list[str]:
    """The markers of runs that are not at their end."""
    markers: Iterable[Any] = stack.container(f"runs-{name}").list_blobs(name_starts_with="active/")
    return [marker.name for marker in markers]
