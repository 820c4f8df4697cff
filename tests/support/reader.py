"""Somebody who follows the tutorial to the letter: each command as it stands there, what it prints,
and the program that chats. Knows the page's conventions (`tests.support.pages`), not what is right.
"""

import os
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from local.known import Stack
from tests.support.pages import Block, not_printed
from tests.support.terminal import terminal
from tunedrop.__main__ import cli

MODEL = "library"
PROMPT = f"{MODEL}> "
BY_HAND = f"tunedrop chat {MODEL}"  # a conversation: what is typed there stands in the next block
FEW = ("--max-tokens", "8")  # the tests' tiny model has nothing to say
# What the stack of the tests is in the place of.
STARTS = {
    "python3 dev.py demo",
    f"TUNEDROP_REMEMBER={MODEL} python3 dev.py up",
    "source .venv/bin/activate",
}
# Commands that end with 1 by intent: the page says so.
SAYING_NO = ("tunedrop convert", "tunedrop diff")


@dataclass
class Reader:
    """Does what the page says in the current folder. `stack`: none for what needs none."""

    stack: Stack | None = None
    printed: str = ""
    done: list[str] = field(default_factory=list)
    asked_to_type: bool = False

    def read(self, block: Block) -> None:
        kinds: dict[str, Callable[[Block], None]] = {
            "sh": self.type_commands,
            "": self.compare,
            "yaml": lambda it: self.write("library/run.yaml", it.text),
            "json": self.compare_with_the_file,
            "python": self.run_the_program,
            "text": self.talk,
        }
        kinds[block.kind](block)

    def type_commands(self, block: Block) -> None:
        self.printed = ""
        for line in block.lines:
            self.done.append(line)
            if line == BY_HAND:
                self.asked_to_type = True
            elif line not in STARTS:
                self.printed += self.run(line)

    def run(self, line: str) -> str:
        program, *words = shlex.split(line)
        if program == "tunedrop":
            few = FEW if words[0] == "chat" else ()
            done = CliRunner().invoke(cli, [*words, *few])
            assert done.exit_code == int(line.startswith(SAYING_NO)), f"{line}\n{done.output}"
            return done.output
        simple: dict[str, Callable[..., object]] = {
            "cd": os.chdir,
            "mkdir": os.mkdir,
            "cp": shutil.copy,
        }
        simple[program](*words)
        return ""

    def compare(self, block: Block) -> None:
        assert not_printed(block, self.printed) == [], self.printed

    def compare_with_the_file(self, block: Block) -> None:
        assert block.text.strip() in Path("answers.jsonl").read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        Path(name).write_text(text, encoding="utf-8")

    def run_the_program(self, block: Block) -> None:
        """At the address of this stack, with its key."""
        assert self.stack
        program = block.text.replace("http://127.0.0.1:7071", self.stack.app_url)
        assert program != block.text
        exec(compile(program, "tutorial.md", "exec"), {"KEY": self.stack.app_key})

    def talk(self, block: Block) -> None:
        if not self.asked_to_type:
            return  # what the model of a real stack has said
        self.asked_to_type = False
        with terminal(*shlex.split(BY_HAND)[1:], *FEW, folder=Path.cwd()) as talk:
            for line in block.lines:
                talk.until(PROMPT)
                talk.type(f"{line.removeprefix(PROMPT)}\n")
            assert talk.ended() == 0
