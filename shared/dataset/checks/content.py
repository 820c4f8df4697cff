"""The checks of what the texts say: broken text, private data, answers that teach the wrong thing.

Works on conversations whose shape is known. Everything here is a heuristic and never an error.
"""

import re
from collections.abc import Iterator, Sequence

from shared.dataset import privacy
from shared.dataset.checks.shape import at
from shared.dataset.findings.finding import RawFinding
from shared.dataset.reading.examples import Conversation, Message

_BROKEN = re.compile(
    r"(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff])"
    r"|Ã[\x80-\xbf\u0152-\u02dc\u2013-\u2122]|â€[\x80-\xbf\u0152-\u2122]|Â[\xa0-\xbf]|\ufffd"
)
_PERHAPS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9fÃâÂ\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufffd]"
)
_SPECIAL_TOKEN = re.compile(r"<\|[A-Za-z][A-Za-z0-9_]{0,40}\|>")
_REFUSES = re.compile(
    r"(?:unfortunately,? |sorry,? (?:but )?)?(?:"
    r"(?:i[’']m|i am) (?:very |really |so )?sorry,? (?:but )?i (?:can|am|do|won|will)"
    r"|i (?:can[’']?t|cannot|can not|am unable to|am not able to|won[’']t) "
    r"(?:assist|help|provide|do that|fulfil|comply|answer|discuss)"
    r"|i[’']m (?:unable|not able) to|as an ai\b|as a language model)",
    re.IGNORECASE,
)
_REFUSAL_STARTS = ("I ", "I'", "I’", "As a", "as a", "Sorry", "sorry", "Unfortunately", "i ", "i'")
_ESCAPE = re.compile(r"(?<!\\)\\++(?:u([0-9A-Fa-f]{4})|[bfnrt])")  # however often it is escaped
_SHORTEST_COPY = 30  # characters: shorter answers are often rightly words of the question
_OPEN_ENDS = frozenset(",;:-–—&(/…")


def texts_are_whole(conversation: Conversation, *, ascii_too: bool) -> Iterator[RawFinding]:
    """Control characters and texts decoded wrongly; one finding of each kind for a message."""
    for index, message in enumerate(conversation.messages):
        text = message.content
        if (text.isascii() and not ascii_too) or not _PERHAPS.search(text):
            continue
        reported = set()
        for match in _BROKEN.finditer(text):
            id = "control-character" if match["control"] else "broken-text"
            if id not in reported:
                reported.add(id)
                problem = _broken(match.group(), match.start())
                yield RawFinding(id, problem, index, at(index, "content"))
            if len(reported) == 2:
                break


def _broken(text: str, place: int) -> str:
    codes = " ".join(f"U+{ord(char):04X}" for char in text)
    shown = f"{text!r} ({codes})" if text.isprintable() else codes
    return f"Character {place + 1} is {shown}."


def no_special_tokens(conversation: Conversation) -> Iterator[RawFinding]:
    """One finding for a message, and one for all that is no message's text."""
    for index, message in enumerate(conversation.messages):
        if match := _SPECIAL_TOKEN.search(message.content):
            problem = f"Character {match.start() + 1} begins {match.group()}."
            yield RawFinding("special-token", problem, index, at(index, "content"))
    extra = _ESCAPE.sub(_unescaped, conversation.extra) if conversation.extra else ""
    if match := _SPECIAL_TOKEN.search(extra):
        problem = f"{match.group()} stands outside of the messages' texts."
        yield RawFinding("special-token", problem)


def nothing_is_private(
    conversation: Conversation, suspects: int
) -> Iterator[tuple[RawFinding, str]]:
    """One finding for each kind in a message, with the kind; the value itself is never quoted."""
    for index, message in enumerate(conversation.messages):
        kinds: dict[str, list[privacy.PrivateSpan]] = {}
        for span in privacy.find(message.content, suspects):
            kinds.setdefault(span.kind, []).append(span)
        for kind, spans in kinds.items():
            article = "An" if kind[0] in "aeioAI" else "A"
            times = f", {len(spans)} times" if len(spans) > 1 else ""
            problem = f"{article} {kind} in the {message.role}'s message{times}."
            id = "secret" if spans[0].secret else "personal-data"
            yield RawFinding(id, problem, index, at(index, "content")), kind
    yield from _private_elsewhere(conversation.extra, suspects)


def _private_elsewhere(extra: str, suspects: int) -> Iterator[tuple[RawFinding, str]]:
    """In tools, calls and whatever else an example has: JSON, and JSON within its texts."""
    found: dict[str, bool] = {}
    if extra:
        for span in privacy.find(_ESCAPE.sub(_unescaped, extra), suspects):
            found[span.kind] = span.secret
    for kind, secret in found.items():
        article = "An" if kind[0] in "aeioAI" else "A"
        problem = f"{article} {kind} outside of the messages' texts."
        yield RawFinding("secret" if secret else "personal-data", problem), kind


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else " "


def answers_teach(conversation: Conversation) -> list[RawFinding]:
    """The last answer: does it refuse, stop short, repeat the question, or bring whitespace?"""
    answer = conversation.messages[-1]
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
        if len(text) >= _SHORTEST_COPY and _copies(text, conversation.messages):
            problem = "The answer stands in the message before it, word for word."
            found.append(("answer-copies-prompt", problem))
    if not found:
        return []
    last = len(conversation.messages) - 1
    return [RawFinding(id, problem, last, at(last, "content")) for id, problem in found]


def _copies(text: str, messages: Sequence[Message]) -> bool:
    if len(messages) < 2:
        return False
    before = messages[-2]
    return before.role in ("user", "tool") and text in before.content


def ends_open(conversation: Conversation) -> bool:
    """Does a conversation stop where no sentence ends?"""
    text = conversation.messages[-1].content
    return bool(text) and (text[-1].isalnum() or text[-1] in _OPEN_ENDS)
