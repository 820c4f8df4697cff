"""The schema that editors use for a run.yaml says yes and no where the app does."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from docs.generate import DOCS, PageError, run_yaml_schema
from shared.errors import DropError
from shared.run.run_yaml import read
from shared.run.spec import effective
from tests.support.settings import SETTINGS

PATH = DOCS / "run-yaml.schema.json"
SCHEMA = run_yaml_schema.schema()  # that the file is this, tests/test_docs.py says
UNLIMITED = replace(SETTINGS, max_capacity=2**40)  # what settings allow, no schema knows
VALIDATOR = Draft7Validator(SCHEMA)
EXAMPLES = sorted((DOCS.parent / "examples").glob("*/run.yaml"))
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


def by_the_app(text: str) -> bool:
    try:
        effective(text.encode(), UNLIMITED)
    except DropError:
        return False
    return True


def by_the_schema(text: str) -> bool:
    values = read(text.encode()).values
    return VALIDATOR.is_valid(values)


def keys(schema: dict[str, Any], outer: str = "") -> list[str]:
    found = []
    for name, about in schema["properties"].items():
        inner = keys(about, f"{outer}{name}.") if "properties" in about else []
        found += inner or [f"{outer}{name}"]
    return found


def written(key: str, value: str) -> str:
    outer, _, inner = key.rpartition(".")
    return f"{outer}: {{{inner}: {value}}}\n" if outer else f"{key}: {value}\n"


# Without whole decimals (3.0): JSON Schema takes them for whole numbers, the app does not.
VALUES = (
    *("0", "1", "50", "51", "-1", "256", "257", "2147483647", "2147483648", "8760.5", "0.1", "2.5"),
    *("true", "false", "null", '""', '"3"', "off", "report", "enforce", "auto", "manual", "dpo"),
    *("best", "last", "always", "on-demand", "standard", "GLOBALSTANDARD", "dataZone", "Developer"),
    *("DeveloperTier", "ProvisionedManaged", "gpt-4.1-2025-04-14", '"a b"', "refuse", "accept"),
    *("supervised", "m" * 200, "m" * 201),
)


def test_the_schema_and_the_app_agree_on_every_value_of_every_key() -> None:
    texts = [written(key, value) for key in keys(SCHEMA) for value in VALUES]
    texts += [f"method: dpo\n{text}" for text in texts if text.startswith("hyperparameters")]
    assert [text for text in texts if by_the_schema(text) != by_the_app(text)] == []
    assert 100 < sum(map(by_the_app, texts)) < len(texts) / 2


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("# nothing\n", True),
        ("base_modell: gpt-4.1-2025-04-14\n", False),
        ("hyperparameters: {n_epoch: 3}\n", False),
        ("hyperparameters: {beta: 0.1}\n", False),
        ("method: dpo\nhyperparameters: {beta: 0.1}\n", True),
        ("method: supervised\nhyperparameters: {beta: 0.1}\n", False),
        ("hyperparameters: {beta: null, n_epochs: 2}\n", True),
        ("hyperparameters: null\nbudget:\n", True),
        ("training_type: GlobalSTANDARD\ndeployment: {sku: developertier, capacity: 1}\n", True),
    ],
)
def test_whole_files(text: str, taken: bool) -> None:
    assert (by_the_schema(text), by_the_app(text)) == (taken, taken)


def test_an_editor_offers_names_and_says_what_each_key_means() -> None:
    Draft7Validator.check_schema(SCHEMA)
    told = json.dumps(SCHEMA)
    assert all(name in told for name in ("gpt-4.1-nano-2025-04-14", '"GlobalStandard"', '"dpo"'))
    assert "](" not in told  # a link of the page leads nowhere from here
    assert len(keys(SCHEMA)) == told.count('"description"') == 18


def test_a_key_that_the_page_does_not_explain_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "run-yaml.md"
    page.write_text(run_yaml_schema.TABLE.read_text("utf-8").replace("| `seed` |", "| `sed` |"))
    monkeypatch.setattr(run_yaml_schema, "TABLE", page)
    with pytest.raises(PageError, match="seed"):
        run_yaml_schema.schema()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_examples_name_the_schema_and_keep_to_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = MODELINE.match(text)
    assert named, "its first line is to be: # yaml-language-server: $schema=…"
    assert (path.parent / named[1]).resolve() == PATH
    assert by_the_schema(text)
