"""A report names nobody: no id, key, address, name, prompt or answer, whatever the service says.

Situations after Azure/azure-dev#6548 (a public comment that links a subscription by its id),
microsoft/GitHub-Copilot-for-Azure#2930 (a key in a connection string), sonichi/sutando#2010 (a key
in an address).
"""

import json
import re
from pathlib import Path

import pytest

from tests.probe.probed import KEY, Probed
from tunedrop.probe.memory import Memory
from tunedrop.probe.report import document, markdown
from tunedrop.probe.running import run
from tunedrop.probe.scrub import clean, sentence
from tunedrop.probe.things import QUESTION

NAMES = {"subscription": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd", "group": "rg-fabrikam"}
NAMES |= {"account": "fabrikam-models"}


def test_no_name_no_id_and_no_prompt_stands_in_a_report(probed: Probed, folder: Path) -> None:
    session = probed.session(folder, None, **NAMES)
    areas = ("address", "files", "jobs", "control")
    run(session, areas, lambda area: None)
    told = document(session.memory, live=True, now=session.clock.now(), areas=areas)
    for text in (json.dumps(told), markdown(told)):
        assert not [name for name in (*NAMES.values(), KEY, probed.url[7:]) if name in text]
        assert session.memory.name not in text
        assert not re.search(r"(file|ftjob|ftevent|chatcmpl)-[0-9a-f]{8}", text)
        assert QUESTION[0]["content"] not in text
        assert "What follows" not in text


@pytest.mark.parametrize(
    "secret",
    [
        "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
        "https://ai.azure.com/resource/finetune/ftjob-1?wsid=/subscriptions/s/resourceGroups/g",
        "/subscriptions/abc/resourceGroups/g/providers/P/accounts/mine",
        "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        "ftjob-3c27f78ad2c141719573c550300bb791",
        "ftchkpt-70ee3e37776e4428b20685fcd0728abb",
        "somebody@fabrikam.example",
        "'my-private-deployment'",
        '"what the customer asked"',
        "`the-principal`",
        "sk-proj-9dkfJ38dkfA92kdf",
        "d41d8cd98f00b204e9800998ecf8427e",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "fabrikam-models",
        "FABRIKAM-MODELS.openai.azure.com",
        "fabrikam.privatelink.openai.azure.com",
        "/providers/Microsoft.CognitiveServices/accounts/fabrikam",
        "/Subscriptions/fabrikam",
    ],
)
def test_what_looks_like_somebodys_is_left_out(secret: str) -> None:
    told = clean(f"The service says {secret} today.", ["fabrikam-models"])
    assert "The service says" in told
    words = re.findall(r"\w{4,}", secret)
    assert [word for word in words if word.lower() in told.lower()] in ([], ["openai", "azure"])


@pytest.mark.parametrize(
    "value",
    [
        "404 DeploymentNotFound",
        "201 Azure-AsyncOperation Retry-After",
        "choices.*.content_filter_results: added",
        "file- and 32 hex",
        "step,train_loss,train_mean_token_accuracy,full_valid_mean_token_accuracy",
        "fineTune,supportedMethods,supportedTrainingTypes",
        "The specified base model does not support fine-tuning.",
    ],
)
def test_what_is_the_services_own_stays(value: str) -> None:
    assert clean(value) == value


def test_numbers_of_a_sentence_are_the_accounts() -> None:
    assert sentence("The usage is 12 of 1,000 (8.5).") == "The usage is N of N (N)."


def test_a_control_character_is_written_out_and_a_long_text_shortened() -> None:
    assert "\x1b" not in clean("a\x1b[2Jb")
    assert len(clean("word " * 200)) == 301


def test_an_answer_cannot_break_the_tables() -> None:
    memory = Memory(Path("none"), "r", "tunedrop-probe-1")
    memory.answers["files.end"] = {"value": "a | b <script>", "on": "2026-11-28"}
    told = document(memory, live=True, now=0.0, areas=())
    row = next(line for line in markdown(told).splitlines() if "`files.end`" in line)
    assert row.count("|") - row.count("\\|") == 7
    assert "<script>" not in row


def test_what_differs_comes_first_and_what_was_not_asked_says_why() -> None:
    memory = Memory(Path("none"), "r", "tunedrop-probe-1")
    memory.answers["files.end"] = {"value": "error", "on": "2026-11-28"}
    memory.answers["files.delete"] = {"value": "200", "on": "2026-11-28"}
    memory.left_out["training"] = "it may cost $0.02, and $0.00 is left of --max-usd"
    told = document(memory, live=True, now=0.0, areas=("training",))
    text = markdown(told)
    assert text.index("What differs") < text.index("`files.end`") < text.index("`files.delete`")
    assert "Not asked to its end: training, since it may cost $0.02" in text
    assert told["counts"]["differs"] == 1
    assert told["counts"]["not asked"] >= 25


def test_a_finding_has_the_three_sides_and_its_day(probed: Probed, folder: Path) -> None:
    session = probed.run(folder, "files")
    told = document(session.memory, live=False, now=0.0, areas=("files",))
    (shape,) = (one for one in told["questions"] if one["id"] == "files.shape")
    assert shape["answered"] == shape["emulator"] == ["status: other value"]
    assert shape["sdk"] == "its type differs in 1 places"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", shape["on"])
