"""The checks of what is said: broken text, private data, answers that teach the wrong thing.

Works on conversations whose shape is known. Everything here is a heuristic and never an error.
"""

import re
from collections.abc import Iterator

from shared.dataset import privacy
from shared.dataset.checks import at
from shared.dataset.examples import Conversation, Fault, Message

_BROKEN = re.compile(
    r"(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff])"
    r"|Ã[\x80-\xbf\u0152-\u02dc\u2013-\u2122]|â€[\x80-\xbf\u0152-\u2122]|Â[\xa0-\xbf]|\ufffd"
)
_PERHAPS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9fÃâÂ\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufffd]"
)
_REFUSES = re.compile(
    r"(?:unfortunately,? |sorry,? (?:but )?)?(?:"
    r"(?:i[’']m|i am) (?:very |really |so )?sorry,? (?:but )?i (?:can|am|do|won|will)"
    r"|i (?:can[’']?t|cannot|can not|am unable to|am not able to|won[’']t) "
    r"(?:assist|help|provide|do that|fulfil|comply|answer|discuss)"
    r"|i[’']m (?:unable|not able) to|as an ai\b|as a language model)",
    re.IGNORECASE,
)
_REFUSAL_STARTS = ("I ", "I'", "I’", "As a", "as a", "Sorry", "sorry", "Unfortunately", "i ", "i'")
_SHORTEST_COPY = 30  # characters: shorter answers are often rightly words of the question
_OPEN_ENDS = frozenset(",;:-–—&(/…")


def looks_strange(data: bytes) -> bool:
    """May these bytes of JSON hold anything but plain printable text? False is certain."""
    return not data.isascii() or b"\x7f" in data or _has_escapes(data)


def _has_escapes(data: bytes) -> bool:
    return b"\\" in data and (b"\\u" in data or b"\\b" in data or b"\\f" in data)


def texts_are_whole(talk: Conversation) -> Iterator[Fault]:
    """Control characters and texts decoded wrongly; one fault of each kind for a message."""
    for index, message in enumerate(talk.messages):
        if not _PERHAPS.search(message.content):
            continue
        seen = set()
        for match in _BROKEN.finditer(message.content):
            kind = "control-character" if match["control"] else "broken-text"
            if kind not in seen:
                seen.add(kind)
                yield Fault(
                    kind, _broken(match.group(), match.start()), index, at(index, "content")
                )
            if len(seen) == 2:
                break


def _broken(found: str, place: int) -> str:
    codes = " ".join(f"U+{ord(char):04X}" for char in found)
    shown = f"{found!r} ({codes})" if found.isprintable() else codes
    return f"Character {place + 1} is {shown}."


def nothing_is_private(talk: Conversation) -> Iterator[tuple[Fault, str]]:
    """One fault for each kind in a message, with the kind; the value itself is never quoted."""
    for index, message in enumerate(talk.messages):
        kinds: dict[str, list[privacy.Private]] = {}
        for private in privacy.find(message.content):
            kinds.setdefault(private.what, []).append(private)
        for kind, found in kinds.items():
            article = "An" if kind[0] in "aeioAI" else "A"
            times = f", {len(found)} times" if len(found) > 1 else ""
            what = f"{article} {kind} in the {message.role}'s message{times}."
            id = "secret" if found[0].secret else "personal-data"
            yield Fault(id, what, index, at(index, "content")), kind


def answers_teach(talk: Conversation) -> Iterator[Fault]:
    """The last answer: does it refuse, stop short or repeat the question?"""
    last = len(talk.messages) - 1
    answer = talk.messages[last]
    if answer.role != "assistant" or answer.weight == 0 or not answer.content:
        return
    text = answer.content
    if text.startswith(_REFUSAL_STARTS) and _REFUSES.match(text):
        yield Fault("refusal", "The answer refuses.", last, at(last, "content"))
    if text.endswith(("...", "…")) or text.count("```") % 2:
        how = "has a code block that is not closed" if text.count("```") % 2 else "ends with …"
        yield Fault("answer-cut", f"The answer {how}.", last, at(last, "content"))
    if len(text) >= _SHORTEST_COPY and last and _copies(text, talk.messages[last - 1]):
        what = "The answer stands in the message before it, word for word."
        yield Fault("answer-copies-prompt", what, last, at(last, "content"))


def _copies(text: str, before: Message) -> bool:
    return before.role == "user" and text in before.content


def ends_open(text: str) -> bool:
    """Does a text stop where no sentence ends?"""
    return bool(text) and (text[-1].isalnum() or text[-1] in _OPEN_ENDS)
