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
    odd = dict(zip(numbers, prefilter.odd_texts().tolist(), strict=True))
    private = dict(zip(numbers, prefilter.private_kinds().tolist(), strict=True))
    special = dict(zip(numbers, prefilter.special_tokens().tolist(), strict=True))
    for one in conversations:
        for finding in content.answers_teach(one):
            yield one, finding, ""
        if kind := odd[one.line]:
            for finding in content.texts_are_whole(one, ascii_too=kind == 2):
                yield one, finding, ""
        if special[one.line] or kind == 2:
            for finding in content.no_special_tokens(one):
                yield one, finding, ""
        if suspects := private[one.line]:
            for finding, name in content.nothing_is_private(one, suspects):
                yield one, finding, name


def text_preview(conversation: Conversation, finding: RawFinding) -> tuple[PreviewRow, ...]:
    messages = [{"role": m.role, "content": m.content} for m in conversation.messages]
    return preview({"messages": messages}, finding)
