"""What can be understood of an example of any shape: its conversation, its format, its tools.

For lines that are not plain. What is wrong with them others have said; here they are taken as far
as they go, so that they are counted and looked at like all others.
"""

from typing import Any, NamedTuple

import msgspec

from shared.dataset import tools
from shared.dataset.examples import ROLES, Conversation, Example, Message
from shared.dataset.parts import images
from shared.dataset.preference import is_preference


class Understood(NamedTuple):
    talk: Conversation
    format: str  # "chat" or "dpo"
    learns_nothing: bool = False
    images: int = 0
    declared: frozenset[str] = frozenset()  # names of tools
    called: frozenset[str] = frozenset()


def understand(line: int, example: Example) -> Understood | None:
    """None if it has nothing of an example."""
    if is_preference(example):
        return Understood(_preference(line, example), "dpo")
    if "messages" not in example:
        return None
    messages = example["messages"]
    declared = frozenset(tools.declared(example).schemas)
    calls = [call for _, _, call in tools.called(example)]
    extra = [example.get("tools"), calls]
    return Understood(
        Conversation(
            line,
            plain(messages),
            letters(messages),
            msgspec.json.encode(extra).decode() if any(extra) else "",
        ),
        "chat",
        _learns_nothing(messages),
        images(example),
        declared,
        frozenset(name for call in calls if (name := _name(call))),
    )


def _preference(line: int, example: Example) -> Conversation:
    """The input and the better answer; the other answer is counted as well."""
    given = example.get("input")
    asked = given.get("messages") if isinstance(given, dict) else None
    better = plain(example.get("preferred_output"))
    worse = plain(example.get("non_preferred_output"))
    return Conversation(
        line,
        plain(asked) + better,
        letters(asked) + "a" * len(better),
        "\n".join(message.content for message in worse),
    )


def letters(messages: Any) -> str:
    """`sua` for system, user, assistant; what has no known role is left out."""
    found = messages if isinstance(messages, list) else []
    roles = (message.get("role") for message in found if isinstance(message, dict))
    return "".join(role[0] for role in roles if isinstance(role, str) and role in ROLES)


def plain(messages: Any) -> list[Message]:
    """Messages of any shape as the content checks want them: what is no text is left out."""
    found = []
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, dict):
            continue
        role, weight = message.get("role"), message.get("weight")
        if isinstance(role, str) and role in ROLES:
            known: Any = role
            kept = weight if weight in (0, 1) and not isinstance(weight, bool) else None
            found.append(Message(known, text_of(message.get("content")), kept))
    return found


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def _name(call: Any) -> str | None:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _learns_nothing(messages: Any) -> bool:
    found = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    weights = [m.get("weight", 1) for m in found if m.get("role") == "assistant"]
    return bool(weights) and all(weight == 0 for weight in weights)
