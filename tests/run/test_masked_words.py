"""What a service or a run.yaml quotes reaches no record, log or explanation unmasked."""

import json
import logging

import pytest

from shared.cloud.remote import readable
from shared.errors import DropError
from shared.run.run_yaml import shown
from shared.run.spec import effective
from shared.run.stages import ENDS
from tests.support.drops import refusal
from tests.support.limits import dropped, limited
from tests.support.service_parts import Refusal
from tests.support.settings import SETTINGS

KEY = "sk-proj-" + "abcdefghijklmnopqrstuvwx"


async def test_what_the_service_quotes_of_a_dataset_is_masked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    harness = limited()
    quoted = 'Line 3 cannot be read: {"content": "I am jane.doe@contoso.com"}'

    def refuse(request: object) -> None:
        raise Refusal(400, "invalidPayload", quoted)

    monkeypatch.setattr(harness.service, "create_job", refuse)
    with caplog.at_level(logging.INFO):
        run = await harness.until(await dropped(harness), *ENDS)
    assert "[e-mail address]" in run.model_dump_json()
    told = run.model_dump_json() + json.dumps(await harness.log(run)) + caplog.text
    assert "jane.doe" not in told


def test_the_words_of_jobs_files_and_events_are_masked() -> None:
    assert readable("It is\njane.doe@contoso.com") == "It is [e-mail address]"


async def test_a_key_in_a_run_yaml_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    harness = limited()
    await harness.drop(f"seed: {KEY}".encode(), "run.yaml")
    await harness.drop()
    with caplog.at_level(logging.INFO):
        beside = await refusal(harness, harness.path("run.yaml"))
    assert "[API key]" in beside
    assert "sk-proj" not in caplog.text + beside


def test_a_value_is_masked_before_it_is_cut() -> None:
    assert "sk-proj" not in shown("x" * 40 + " " + KEY)
    assert shown(4111111111111111) == "[card number]"


@pytest.mark.parametrize(
    "asked",
    [
        f'"{KEY}": 1',
        f'hyperparameters:\n  "{KEY}": 1',
        f'"SharedAccessKey={"aB3" * 14}": 1',
        f'seed: "Endpoint=sb://x/;SharedAccessKey={"aB3" * 14}=="',
        f'seed: "https://x.blob.core.windows.net/c?sv=2024&sig={"aB3" * 14}%3D"',
    ],
)
def test_a_secret_in_the_place_of_a_key_or_named_as_one_is_not_repeated(asked: str) -> None:
    with pytest.raises(DropError) as refused:
        effective(asked.encode(), SETTINGS)
    assert KEY[8:] not in str(refused.value)
    assert "aB3aB3" not in str(refused.value)
    assert "line" in refused.value.message
