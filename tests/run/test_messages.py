"""What messages name exists: commands of the command line, settings of the app. `test_cures` holds
that the commands help."""

import ast
import re
from dataclasses import fields

import typer.main

from shared.settings import Settings
from tests.support.said import messages, texts
from tunedrop.__main__ import cli


def test_every_command_that_a_message_names_is_one_of_the_command_line() -> None:
    commands = typer.main.get_command(cli)
    known = set(getattr(commands, "commands", {}))
    for place, text in messages():
        for verb in re.findall(r"`tunedrop (\w+)", text):
            assert verb in known, f"{place}: {text}"


def test_every_setting_that_a_message_names_exists() -> None:
    """Those of the tool and of `azd` are read elsewhere, and named in the settings' own words."""
    known = {str(field.metadata["name"]) for field in fields(Settings)}
    for place, text in messages():
        named = re.findall(r"\b(?:TUNEDROP|AZURE_OPENAI)_[A-Z_]*[A-Z]\b", text)
        if place != "shared/settings.py" and not place.startswith("shared/doctor/"):
            assert set(named) <= known, f"{place}: {named}"


def test_the_walk_sees_what_the_source_says() -> None:
    source = 'def f(x):\n    """tunedrop retry"""\n    return f"a {x} " "`tunedrop retry {x}`"\n'
    assert list(texts(ast.parse(source))) == ["a {} `tunedrop retry {x}`"]
