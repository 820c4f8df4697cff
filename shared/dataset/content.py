"""The checks of what is said: broken text, private data, answers that teach the wrong thing.

Works on conversations whose shape is known. Everything here is a heuristic and never an error.
"""

import re
from collections.abc import Iterator, Sequence

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


def texts_are_whole(talk: Conversation, *, ascii_too: bool) -> Iterator[Fault]:
    """Control characters and texts decoded wrongly; one fault of each kind for a message."""
    for index, message in enumerate(talk.messages):
        text = message.content
        if (text.isascii() and not ascii_too) or not _PERHAPS.search(text):
            continue
        seen = set()
        for match in _BROKEN.finditer(text):
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


def nothing_is_private(talk: Conversation, suspects: int) -> Iterator[tuple[Fault, str]]:
    """One fault for each kind in a message, with the kind; the value itself is never quoted."""
    for index, message in enumerate(talk.messages):
        found = privacy.find(message.content, suspects)
        if not found:
            continue
        kinds: dict[str, list[privacy.Private]] = {}
        for private in found:
            kinds.setdefault(private.what, []).append(private)
        for kind, found in kinds.items():
            article = "An" if kind[0] in "aeioAI" else "A"
            times = f", {len(found)} times" if len(found) > 1 else ""
            what = f"{article} {kind} in the {message.role}'s message{times}."
            id = "secret" if found[0].secret else "personal-data"
            yield Fault(id, what, index, at(index, "content")), kind


def answers_teach(talk: Conversation) -> list[Fault]:
    """The last answer: does it refuse, stop short, repeat the question, or bring whitespace?"""
    answer = talk.messages[-1]
    text = answer.content
    if not text or answer.role != "assistant":
        return []
    found = []
    if text.strip() != text:
        found.append(("whitespace", "There is whitespace before or after the answer."))
    if answer.weight != 0:
        if text.startswith(_REFUSAL_STARTS) and _REFUSES.match(text):
            found.append(("refusal", "The answer refuses."))
        if "```" in text and text.count("```") % 2:
            found.append(("answer-cut", "The answer has a code block that is not closed."))
        elif text.endswith(("...", "…")):
            found.append(("answer-cut", "The answer ends with …."))
        if len(text) >= _SHORTEST_COPY and _copies(text, talk.messages):
            what = "The answer stands in the message before it, word for word."
            found.append(("answer-copies-prompt", what))
    if not found:
        return []
    last = len(talk.messages) - 1
    return [Fault(id, what, last, at(last, "content")) for id, what in found]


def _copies(text: str, messages: Sequence[Message]) -> bool:
    if len(messages) < 2:
        return False
    before = messages[-2]
    return before.role in ("user", "tool") and text in before.content


def ends_open(talk: Conversation) -> bool:
    """Does a talk stop where no sentence ends?"""
    text = talk.messages[-1].content
    return bool(text) and (text[-1].isalnum() or text[-1] in _OPEN_ENDS)
