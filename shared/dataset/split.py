"""A training and a validation set out of one file, the same ones every time, without leakage.

Examples that are the same, ask the same or are almost the same go into the same part; otherwise it
is chance, from a seed. Lines are copied byte for byte and keep their order; one that cannot be read
stays in the training set and is told. Where no whole group may be held out nothing is written.
"""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

from shared.catalog import facts
from shared.dataset.findings.quoting import many
from shared.dataset.measure import similarity
from shared.dataset.measure.measurements import ExampleIndex
from shared.dataset.measure.similarity import Ints, connect, first_equal
from shared.dataset.reading.lines import pieces
from shared.dataset.scan import Scan
from shared.errors import CallerError

CHUNK = 1 << 18
ROUNDS = 20  # of choosing; ordinary files need two or three
AT_MOST = 3  # times the share that was asked for, where no smaller group can be held out
LARGEST = 0.5  # of the examples: what is held out is not trained on
UNREADABLE, KEPT, HELD = range(3)  # what becomes of a line

Marks = npt.NDArray[np.bool_]  # one for each example


class CannotSplit(CallerError):
    """No whole group of examples may be held out; nothing was written."""


class Split(NamedTuple):
    """How many lines each part has. `unreadable`: the numbers, in the source, of those in which no
    example could be read; they are in the training set."""

    training: int
    validation: int
    unreadable: tuple[int, ...] = ()


def held_out(index: ExampleIndex, share: float, seed: int) -> Ints:
    """The lines of the validation set: whole groups, about `share` of the examples. Raises
    CannotSplit.

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
    if not out.any():
        raise _cannot_split(groups)
    return index.lines[out]


def _choose(groups: Ints, share: float, seed: int) -> Marks:
    """Groups in an order of chance, until the share is full; one more where that comes nearer to
    it, or where there would be none, if it is not too large."""
    sizes = np.bincount(groups, minlength=len(groups))
    order = np.flatnonzero(sizes).tolist()
    random.Random(seed).shuffle(order)
    most = _at_most(len(groups), share)
    wanted = min(max(1, round(len(groups) * share)), most)
    room = wanted
    taken: list[int] = []
    left: list[int] = []
    for group in order:
        if sizes[group] <= room:
            room -= int(sizes[group])
            taken.append(group)
        else:
            left.append(group)
    if left:
        smallest = min(left, key=sizes.__getitem__)
        over = int(sizes[smallest]) - room
        if (not taken or over < room) and wanted + over <= most:
            taken.append(smallest)
    return np.isin(groups, taken)


def _at_most(examples: int, share: float) -> int:
    """How many may be held out. A set that the service takes leaves one that it takes."""
    spare = examples - facts.FILES.minimum_examples
    most = int(examples * min(AT_MOST * share, LARGEST))
    return most if spare < 0 else min(most, spare)


def _cannot_split(groups: Ints) -> CannotSplit:
    if not len(groups):
        return CannotSplit(
            "Nothing can be held out: no example could be read.",
            "`tunedrop check` says what is wrong with each line.",
        )
    sizes = np.bincount(groups)
    sizes = sizes[sizes > 0]
    fix = "Write a validation set of other prompts."
    alike = f"{many(len(groups), 'example')} ask the same or are almost the same"
    if len(sizes) == 1:
        return CannotSplit(f"Nothing can be held out: all {alike}.", fix)
    smallest = int(sizes.min())
    if smallest <= _at_most(len(groups), LARGEST):
        larger = math.ceil(100 * smallest / len(groups) / AT_MOST) / 100
        fix = f"Ask for a share of {larger:g}, which holds it out, or write one of other prompts."
    return CannotSplit(
        "Nothing can be held out: what asks the same or is almost the same stays together, and the "
        f"smallest of {many(len(sizes), 'group')} has {smallest:,} of {len(groups):,} examples, of "
        f"which {facts.FILES.minimum_examples} must be left to train on.",
        fix,
    )


def split_file(source: Path, training: Path, validation: Path, share: float, seed: int) -> Split:
    """Write both parts. Raises CannotSplit, and writes neither then."""
    scan = Scan(source.name)
    with source.open("rb") as file:
        while chunk := file.read(CHUNK):
            scan.feed(chunk)
    scanned = scan.finish()
    kinds = np.full(scanned.lines + 1, UNREADABLE, np.uint8)  # of lines, by their numbers
    kinds[scanned.index.lines] = KEPT
    kinds[held_out(scanned.index, share, seed)] = HELD
    with source.open("rb") as lines, training.open("wb") as kept, validation.open("wb") as held:
        return _copy(lines, kept.write, held.write, kinds.tobytes())


def _copy(
    file: IO[bytes],
    keep: Callable[[bytes], object],
    hold: Callable[[bytes], object],
    kinds: bytes,
) -> Split:
    number, counts, unreadable = 0, [0, 0], []
    for piece, begins, ends in pieces(file, CHUNK):
        number += begins
        if number == 1 and begins:
            piece = piece.removeprefix(b"\xef\xbb\xbf")
        if begins and ends and not piece.strip():
            continue
        kind = kinds[number] if number < len(kinds) else UNREADABLE
        held = kind == HELD
        (hold if held else keep)(piece + b"\n" if ends and not piece.endswith(b"\n") else piece)
        counts[held] += begins
        if begins and kind == UNREADABLE:
            unreadable.append(number)
    return Split(counts[0], counts[1], tuple(unreadable))
