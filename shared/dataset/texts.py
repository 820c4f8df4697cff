"""The texts of some lines: which of them have something wrong, asked of the lines' bytes first.

Knows no file: what comes of it is for `scan`.
"""

from collections.abc import Iterable, Iterator, Sequence

from shared.dataset.checks import content
from shared.dataset.findings.finding import PreviewRow, RawFinding
from shared.dataset.findings.quoting import preview
from shared.dataset.reading.examples import Conversation
from shared.dataset.reading.prefilter import Prefilter

# A conversation, what is wrong with a text of it, and the kind of private data, if it is that.
TextFinding = tuple[Conversation, RawFinding, str]


def text_findings(
    conversations: Iterable[Conversation], numbers: Sequence[int], prefilter: Prefilter
) -> Iterator[TextFinding]:
    """Conversation by conversation; `numbers` are those of the prefilter's lines."""
    kinds = (prefilter.odd_texts(), prefilter.special_tokens(), prefilter.private_kinds())
    asked = zip(numbers, zip(*(kind.tolist() for kind in kinds), strict=True), strict=True)
    suspects = {number: found for number, found in asked if any(found)}
    for one in conversations:
        for finding in content.answers_teach(one):
            yield one, finding, ""
        if found := suspects.get(one.line):
            yield from _searched(one, *found)


def _searched(one: Conversation, odd: int, special: int, private: int) -> Iterator[TextFinding]:
    """For what the line's bytes may hold."""
    if odd:
        for finding in content.texts_are_whole(one, ascii_too=odd == 2):
            yield one, finding, ""
    if special or odd == 2:
        for finding in content.no_special_tokens(one):
            yield one, finding, ""
    if private:
        for finding, name in content.nothing_is_private(one, private):
            yield one, finding, name


def text_preview(conversation: Conversation, finding: RawFinding) -> tuple[PreviewRow, ...]:
    messages = [{"role": m.role, "content": m.content} for m in conversation.messages]
    return preview({"messages": messages}, finding)
