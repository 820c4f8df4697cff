"""A training and a validation set out of one file, the same ones every time, without leakage.

Examples that are the same, ask the same or are almost the same go into the same part; otherwise it
is chance, from a seed. Lines are copied byte for byte and keep their order.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from shared.dataset.measure import similarity
from shared.dataset.measure.measurements import ExampleIndex
from shared.dataset.measure.similarity import Ints, connect, first_equal
from shared.dataset.reading.lines import pieces
from shared.dataset.scan import Scan

CHUNK = 1 << 18
ROUNDS = 20  # of choosing; ordinary files need two or three


def held_out(index: ExampleIndex, share: float, seed: int) -> set[int]:
    """The lines of the validation set: whole groups, about `share` of the examples.

    Near duplicates are found among neighbours, so a choice can bring new ones to light: then their
    groups are joined, and it is chosen again, for ROUNDS at most: a file can be made for which it
    would take very many. What is left then is found by the check of the two files.
    """
    every = np.arange(len(index.lines))
    links = [first_equal(index.keys), first_equal(index.prompts), index.groups]
    groups = connect(every.copy(), np.concatenate([every] * 3), np.concatenate(links))
    for _ in range(ROUNDS):
        out = _choose(groups, share, seed)
        order = np.concatenate([np.flatnonzero(~out), np.flatnonzero(out)])
        near = order[similarity.groups(index.signatures[order])]
        joined = connect(
            every.copy(), np.concatenate([every, order]), np.concatenate([groups, near])
        )
        if (joined == groups).all():
            break
        groups = joined
    return set(index.lines[out].tolist())


def _choose(groups: Ints, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Groups in an order of chance, until the share is full."""
    sizes = np.bincount(groups, minlength=len(groups))
    order = np.flatnonzero(sizes).tolist()
    random.Random(seed).shuffle(order)
    room = round(len(groups) * share)
    taken = []
    for group in order:
        if sizes[group] <= room:
            room -= int(sizes[group])
            taken.append(group)
    return np.isin(groups, taken)


def split_file(
    source: Path, training: Path, validation: Path, share: float, seed: int
) -> tuple[int, int]:
    """Write both parts; how many examples each of them has."""
    scan = Scan(source.name)
    with source.open("rb") as file:
        while chunk := file.read(CHUNK):
            scan.feed(chunk)
    out = held_out(scan.finish().index, share, seed)
    with source.open("rb") as lines, training.open("wb") as kept, validation.open("wb") as held:
        return _copy(lines, kept.write, held.write, out)


def _copy(
    file: IO[bytes],
    keep: Callable[[bytes], object],
    hold: Callable[[bytes], object],
    out: set[int],
) -> tuple[int, int]:
    number, counts = 0, [0, 0]
    for piece, begins, ends in pieces(file, CHUNK):
        number += begins
        if number == 1 and begins:
            piece = piece.removeprefix(b"\xef\xbb\xbf")
        if begins and ends and not piece.strip():
            continue
        held = number in out
        (hold if held else keep)(piece + b"\n" if ends and not piece.endswith(b"\n") else piece)
        counts[held] += begins
    return counts[0], counts[1]
