"""`tunedrop models` and `tunedrop retrain`: what is told, and what would be dropped."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from typer.testing import CliRunner

from shared.run.spec import effective
from tests.support.datasets import dataset
from tests.support.settings import SETTINGS
from tunedrop.__main__ import cli
from tunedrop.errors import CommandError
from tunedrop.models import lines
from tunedrop.retrain import as_yaml, plan_of, spec_for

CHAMPION = b"""
base_model: gpt-4.1-2025-04-14
training_type: developer
hyperparameters: {n_epochs: 3, learning_rate_multiplier: 0.00001}
seed: 7
budget: 4.5
deployment: {sku: DeveloperTier, capacity: 20}
"""


def run(run_yaml: bytes = CHAMPION) -> dict[str, Any]:
    return {"model": "captain", "spec": effective(run_yaml, SETTINGS).model_dump(mode="json")}


def test_all_but_the_base_stays_as_it_was_and_the_app_reads_it() -> None:
    spec, changes = spec_for(run(), "gpt-4.1-mini-2025-04-14")
    assert changes == ()
    now = effective(as_yaml(spec).encode(), SETTINGS)
    assert now.base_model == "gpt-4.1-mini-2025-04-14"
    then = effective(CHAMPION, SETTINGS)
    assert now.model_copy(update={"base_model": then.base_model}) == then


def test_what_the_new_base_does_not_have_is_changed_and_told() -> None:
    spec, changes = spec_for(run(), "gpt-oss-20b")
    assert (spec["training_type"], spec["deployment"]["sku"]) == (
        "globalStandard",
        "GlobalStandard",
    )
    assert spec["deployment"]["capacity"] == 20
    assert changes == (
        "gpt-oss-20b takes training_type: globalStandard in the place of developerTier",
        "gpt-oss-20b takes deployment.sku: GlobalStandard in the place of DeveloperTier",
    )
    assert run()["spec"]["deployment"]["sku"] == "DeveloperTier"
    assert effective(as_yaml(spec).encode(), SETTINGS).base_model == "gpt-oss-20b"


def test_an_older_name_is_dropped_as_the_one_of_today() -> None:
    assert spec_for(run(), "llama-3.3-70b")[0]["base_model"] == "Llama-3.3-70B-Instruct"


@pytest.mark.parametrize(
    ("run_yaml", "base", "says"),
    [
        (CHAMPION, "gpt-oss-120b", "nothing serverless"),
        (CHAMPION, "o4-mini-2025-04-16", "takes none of this app's methods"),
        (b"method: dpo", "gpt-oss-20b", "takes supervised, .* captain was trained by dpo"),
    ],
)
def test_a_base_that_would_be_paid_for_in_vain_is_refused(
    run_yaml: bytes, base: str, says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        spec_for(run(run_yaml), base)


def test_a_base_that_is_not_known_is_taken_and_told() -> None:
    spec, (told,) = spec_for(run(), "gpt-99")
    assert spec["base_model"] == "gpt-99"
    assert told.startswith("gpt-99 is not in the table")


def test_the_price_is_that_of_what_is_dropped() -> None:
    spec, _ = spec_for(run(), "gpt-oss-20b")
    plan = plan_of(spec)
    assert (plan.base_model, plan.training_type, plan.sku) == (
        *("gpt-oss-20b", "globalStandard", "GlobalStandard"),
    )
    assert (plan.epochs, plan.budget, plan.unknown_price) == (3, 4.5, "refuse")


# ---- what lies there already


class Blobs:
    """Azure's client of a container that holds what a champion was trained on, and a left file."""

    files = MappingProxyType(
        {"captain/training.jsonl": dataset(12, "captain"), "captain/validation.jsonl": b""}
    )

    def download_blob(self, name: str, **_: Any) -> Any:
        return SimpleNamespace(readinto=lambda file: file.write(self.files[name]))

    def list_blobs(self, name_starts_with: str) -> list[Any]:
        at = datetime.now(UTC) - timedelta(days=9)
        names = [name for name in self.files if name.startswith(name_starts_with)]
        return [SimpleNamespace(name=name, last_modified=at) for name in names]


@pytest.fixture
def app() -> Iterator[str]:
    """The address of something that answers as an app with one champion does."""
    sha256 = hashlib.sha256(Blobs.files["captain/training.jsonl"]).hexdigest()
    training = {"name": "captain/training.jsonl", "sha256": sha256}
    version = {"version": 1, "run_id": "captain-1"}
    answers = {
        "/api/models": {"models": [{"name": "captain", "champion": 1, "versions": [version]}]},
        "/api/runs/captain-1": {**run(b""), "training": training, "validation": None},
    }

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answers[self.path]).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_file_of_an_earlier_drop_is_named_before_anybody_says_yes(
    app: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(BlobServiceClient, "get_container_client", lambda *_: Blobs())
    words = ["retrain", "captain", "--base", "gpt-4.1-mini-2025-04-14", "--app", app]
    asked = CliRunner().invoke(cli, [*words, "--storage", "UseDevelopmentStorage=true"], input="n")
    assert asked.exit_code == 1, asked.output
    before, _ = asked.output.split("Drop it for captain")
    assert "with captain/validation.jsonl, which is there already" in before


# ---- the list


def model(**known: Any) -> dict[str, Any]:
    dates = {"training_ends": "2027-04-14", "base_ends": None, "deployments_end": "2027-10-14"}
    lifecycle: dict[str, Any] = {"base_model": "gpt-4.1-2025-04-14", **dates, "endings": []}
    return {"name": "captain", "champion": 2, "lifecycle": lifecycle, **known}


def test_a_model_is_told_with_its_ends() -> None:
    assert lines([model()]) == [
        "captain@2  gpt-4.1-2025-04-14  trained until 2027-04-14, base until not published, "
        "deployments until 2027-10-14"
    ]
    assert lines([model(champion=None, lifecycle=None)]) == ["captain  no version yet"]
    assert [line.split()[0] for line in lines([model(name="b"), model(name="a")])] == ["a@2", "b@2"]


def test_an_end_that_is_near_is_told_below_its_model_with_its_cure_or_that_there_is_none() -> None:
    ending = {
        "level": "urgent",
        "sentence": "gpt-4.1 can be trained until 2027-04-14 at the least: 7 days.",
        "cure": "Train again on one that is trained for longer: gpt-oss-20b.",
        "known_on": "2026-10-05",
    }
    known = model()
    known["lifecycle"]["endings"] = [ending, {**ending, "cure": None}]
    _, first, second = lines([known])
    assert first == f"  urgent: {ending['sentence']} {ending['cure']} (as of 2026-10-05)"
    assert "Nothing that this app can train takes its place today." in second
