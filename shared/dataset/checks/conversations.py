"""What can be understood of an example of any shape: its conversation, its format, its tools.

For lines that the fast path leaves. What is wrong with them is found by the checks; here they are
taken as far as they go, so that they are counted and searched like all others.
"""

from itertools import chain
from typing import Any, NamedTuple

import msgspec

from shared.dataset.checks import tools
from shared.dataset.checks.functions import declared_functions, function_calls
from shared.dataset.checks.parts import ImageCount, count_images, shown_parts
from shared.dataset.checks.preference import is_preference
from shared.dataset.checks.remainder import remainder
from shared.dataset.pictures import digest
from shared.dataset.reading.examples import ROLES, Conversation, Example, Message
from shared.dataset.reading.limits import Steps

_ANSWERS = ("preferred_output", "non_preferred_output")
_DECLARED = ("tools", "functions")


class ParsedExample(NamedTuple):
    conversation: Conversation
    format: str  # "chat" or "dpo"
    learns_nothing: bool = False
    images: ImageCount = ImageCount()
    declared: frozenset[str] = frozenset()  # names of tools
    called: frozenset[str] = frozenset()


def parse_example(line: int, example: Example, steps: Steps) -> ParsedExample | None:
    """None if it has nothing of an example. Raises limits.TooComplex."""
    if is_preference(example):
        counted = count_images(_asked(example), *map(example.get, _ANSWERS))
        whole = {**_input(example), "messages": _messages(example)}
        return ParsedExample(
            _preference(line, example), "dpo", False, counted, *_tools(whole, steps)
        )
    if "messages" not in example:
        return None
    messages = example["messages"]
    return ParsedExample(
        _conversation(line, example),
        "chat",
        _learns_nothing(messages),
        count_images(messages),
        *_tools(example, steps),
    )


def _tools(example: Example, steps: Steps) -> tuple[frozenset[str], frozenset[str]]:
    """The names of those that are declared, and of those that are called."""
    declared = {
        *tools.declared_tools(example, steps).schemas,
        *declared_functions(example, steps).schemas,
    }
    calls = [call for _, _, call in tools.tool_calls(example)]
    calls += [{"function": call} for _, call in function_calls(example)]
    return frozenset(declared), frozenset(name for call in calls if (name := _name(call)))


def _conversation(line: int, example: Example) -> Conversation:
    messages, extra = example["messages"], "\n".join(_others(example))
    asks = extra
    if isinstance(messages, list) and messages and _others({"messages": messages[-1:]}):
        asks = "\n".join(_others({**example, "messages": messages[:-1]}))
    return Conversation(
        line,
        known_messages(messages),
        role_letters(messages),
        extra,
        asks,
        shown=_shown(messages),
        said="\n".join(_said(example)) if _declares(example) else None,
    )


def _preference(line: int, example: Example) -> Conversation:
    """The input and the better answer; the other answer is counted as well, and so is whatever else
    stands in the example."""
    asked = _asked(example)
    better, worse = (known_messages(example.get(answer)) for answer in _ANSWERS)
    asks = _others(_input(example))
    answers = [{"messages": example.get(answer)} for answer in _ANSWERS]
    worst = [message.content for message in worse]
    others = list(chain.from_iterable(map(_others, answers)))
    said = chain.from_iterable(map(_said, [_input(example), *answers]))
    return Conversation(
        line,
        known_messages(asked) + better,
        role_letters(asked) + role_letters(example.get(_ANSWERS[0])),
        "\n".join([*worst, *asks, *others]),
        "\n".join(asks),
        len(better),
        _shown(asked, *map(example.get, _ANSWERS)),
        "\n".join([*worst, *said]) if _declares(_input(example)) else None,
    )


def _declares(example: Example) -> bool:
    return any(map(example.get, _DECLARED))


def _said(example: Example) -> list[str]:
    """What `_others` has, without the tools that it declares and what all calls have."""
    rest = remainder({key: value for key, value in example.items() if key not in _DECLARED})
    called = said_calls([call for _, _, call in tools.tool_calls(example)])
    return [called] * bool(called) + [msgspec.json.encode(rest).decode()] * bool(rest)


def said_calls(calls: list[Any]) -> str:
    """Names and arguments."""
    functions = [call.get("function") for call in calls if isinstance(call, dict)]
    parts = [
        one.get(key) for one in functions if isinstance(one, dict) for key in ("name", "arguments")
    ]
    return " ".join(part for part in parts if isinstance(part, str))


def _shown(*lists: Any) -> int:
    parts = chain.from_iterable(map(shown_parts, lists))
    return digest((index, _which(part)) for index, part in parts)


def _which(part: Any) -> str:
    """An image by its address, with its data if they are in it; another part as it stands."""
    image = part.get("image_url") if isinstance(part, dict) else None
    url = image.get("url") if isinstance(image, dict) else None
    return url if isinstance(url, str) else msgspec.json.encode(part).decode()


def _others(example: Example) -> list[str]:
    """As JSON: the tools and calls, and all that has no place among the messages' texts."""
    called = [example.get("tools"), [call for _, _, call in tools.tool_calls(example)]]
    found = [called] if any(called) else []
    if rest := remainder(example):
        found.append(rest)
    return [msgspec.json.encode(one).decode() for one in found]


def _input(example: Example) -> Example:
    given = example.get("input")
    return given if isinstance(given, dict) else {}


def _asked(example: Example) -> Any:
    return _input(example).get("messages")


def _messages(example: Example) -> list[Any]:
    """Of the input and both outputs of a preference."""
    lists = (_asked(example), *map(example.get, _ANSWERS))
    return [message for one in lists if isinstance(one, list) for message in one]


def role_letters(messages: Any) -> str:
    """`sua` for system, user, assistant; what has no known role is left out."""
    listed = messages if isinstance(messages, list) else []
    roles = (message.get("role") for message in listed if isinstance(message, dict))
    return "".join(role[0] for role in roles if isinstance(role, str) and role in ROLES)


def known_messages(messages: Any) -> list[Message]:
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
    listed = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    weights = [m.get("weight", 1) for m in listed if m.get("role") == "assistant"]
    return bool(weights) and all(weight == 0 for weight in weights)
