"""The texts of some conversations in one row, so that numpy can work on all of them at once.

Knows roles and texts, not tokens.
"""

from itertools import compress

import numpy as np
import numpy.typing as npt

from shared.dataset.measure.similarity import Ints
from shared.dataset.reading.examples import Conversation

_ROLE = np.uint64(0x9E3779B97F4A7C15)
_PLACE = np.uint64(0xC2B2AE3D27D4EB4E)
_ASKS = np.uint64(0x165667B19E3779F9)


class TextBatch:
    """The texts of each conversation's messages, then its `extra`, one conversation after another.

    `roles` has the letter of each text, x for what is extra; `starts` says where the conversations
    begin; `prompts` marks the system prompts.
    """

    def __init__(self, conversations: list[Conversation]) -> None:
        self.lines = np.array([conversation.line for conversation in conversations], np.int64)
        self.texts: list[str] = []
        for conversation in conversations:
            for message in conversation.messages:
                self.texts.append(message.content)
            self.texts.append(conversation.extra)
        letters = "x".join([conversation.roles for conversation in conversations]) + "x"
        self.roles = np.frombuffer(letters.encode(), np.uint8)
        ends = np.flatnonzero(self.roles == ord("x")) + 1
        self.starts = np.concatenate([[0], ends[:-1]])
        self.filled = np.fromiter(map(bool, self.texts), np.bool_, len(self.texts))
        self.asks = [conversation.asks for conversation in conversations]
        self.answers = np.array([conversation.answers for conversation in conversations], np.int64)
        self.shown = np.array([conversation.shown for conversation in conversations], np.uint64)
        self.said = [conversation.said for conversation in conversations]
        self.prompts = (self.roles == ord("s")) | (self.roles == ord("d"))

    def texts_at(self, marks: npt.NDArray[np.bool_]) -> list[str]:
        """Those that are marked."""
        return list(compress(self.texts, marks.tolist()))

    def lines_of(self, marks: npt.NDArray[np.bool_]) -> list[int]:
        """The lines of those that are marked."""
        places = np.searchsorted(self.starts, np.flatnonzero(marks), "right") - 1
        lines: list[int] = self.lines[places].tolist()
        return lines

    def hashes(self) -> tuple[Ints, Ints]:
        """Of each conversation, and of what it asks: all but the answer at its end, if there is
        more. Of both the pictures are a part.

        Made of Python's own hashes: quick, and equal for equal texts within this process, which is
        all that is needed. The place of a text in its conversation changes its weight.
        """
        hashes = np.fromiter(map(hash, self.texts), np.int64, len(self.texts)).view(np.uint64)
        sizes = np.diff(self.starts, append=len(self.roles))
        place = np.arange(len(self.roles)) - np.repeat(self.starts, sizes)
        mixed = (hashes ^ (self.roles * _ROLE)) * (place.astype(np.uint64) * _PLACE | np.uint64(1))
        keys = np.add.reduceat(mixed, self.starts) + self.shown
        asked = keys.copy()
        begins = sizes - 1 - self.answers  # of the answers
        asks = (begins > 0) & (self.roles[self.starts + sizes - 2] == ord("a"))
        mixed[place >= np.repeat(begins, sizes)] = 0
        others = np.fromiter(map(hash, self.asks), np.int64, len(self.asks)).view(np.uint64)
        prompts = np.add.reduceat(mixed, self.starts) + others * _ASKS + self.shown
        asked[asks] = prompts[asks]
        return keys.view(np.int64), asked.view(np.int64)
