"""What the content filter says beside an answer: that all is safe. Nothing is filtered here.

Shapes as callers have reported them (S-STREAM): what it found in the messages comes before the
answer, in a chunk of its own that has no choices; what it found in the answer stands in each chunk
or, with the asynchronous filter, in chunks of their own that have no delta. Pure; knows no HTTP.
"""

from dataclasses import dataclass
from typing import Any

Results = dict[str, Any]
CATEGORIES = ("hate", "self_harm", "sexual", "violence")
# The asynchronous filter looks at about so many characters at a time (S-DOC content-filter).
WINDOW = 1000


def safe() -> Results:
    return {category: {"filtered": False, "severity": "safe"} for category in CATEGORIES}


def of_prompt() -> list[Results]:
    """`prompt_filter_results`; the jailbreak's shape differs from the other categories'."""
    found = {**safe(), "jailbreak": {"filtered": False, "detected": False}}
    return [{"prompt_index": 0, "content_filter_results": found}]


def of_response() -> list[Results]:
    """`content_filters` of a response: of what was asked and of what was said
    (azure-rest-api-specs#42141)."""
    asked = {**safe(), "jailbreak": {"filtered": False, "detected": False}}
    found = {"prompt": asked, "completion": safe()}
    return [
        {"blocked": False, "source_type": source, "content_filter_results": results}
        for source, results in found.items()
    ]


def unnamed_chunk(**more: Any) -> dict[str, Any]:
    """What a chunk of the filter begins with: it belongs to no answer."""
    return {"id": "", "object": "", "created": 0, "model": "", **more}


@dataclass
class AsynchronousFilter:
    """Of one choice. `start`: characters of the messages, from which its offsets are counted."""

    start: int
    told: int = 0  # characters of the answer

    def chunk(self, index: int, length: int, *, ended: bool) -> dict[str, Any] | None:
        """What is told once the answer has so many characters, if it is time to tell something."""
        if not ended and length - self.told < WINDOW:
            return None
        begin, self.told = self.start + self.told, length
        offsets = {
            "check_offset": begin,
            "start_offset": begin,
            "end_offset": self.start + length,
        }
        choice = {"index": index, "finish_reason": None, "content_filter_results": safe()}
        return unnamed_chunk(choices=[{**choice, "content_filter_offsets": offsets}])
