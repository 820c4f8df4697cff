"""Calls of functions as the small model reads and writes them: as text. Pure.

The same text stands in examples that are trained on, in conversations and in answers, so a model
that has learned to call goes on doing so.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from .call_format import described, functions_text
from .dataset import Message, with_functions

# How likely (as a logarithm) the model has to find the opening of a call, where its answer begins,
# for an offered function to be called. SmolLM2-135M hardly begins one by itself, but it finds it
# more likely where a call is due: of 27 questions under three system messages (2026-11) it was
# above this for 41 of the 42 that a function could answer, and for 8 of the 39 others at most.
LIKELY = -8.0
# The same of a model that has learned from calls, and from answers in words, when to call: a half.
LEARNED = -0.7
ALWAYS, NEVER = float("-inf"), float("inf")


@dataclass(frozen=True)
class Function:
    """`parameters`: a JSON schema, as JSON; `strict`: one of which nothing may be left out."""

    name: str
    description: str
    parameters: str
    strict: bool = False


@dataclass(frozen=True)
class Calls:
    """Functions that an answer may call; `least`: how likely the opening of a call must be."""

    functions: tuple[Function, ...]
    least: float


def told(messages: Sequence[Message], functions: Sequence[Function]) -> list[Message]:
    """The conversation with the functions in its system message."""
    listed = [described(f.name, f.description, json.loads(f.parameters)) for f in functions]
    return with_functions(messages, functions_text(listed) if listed else "")
