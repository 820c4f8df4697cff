"""Which examples repeat one another, exactly or almost, in a few bytes for each example.

Almost: MinHash with one permutation. Every run of three tokens is hashed once; the low bits choose
one of 32 bins and the least value of each bin is kept, 8 bits of it. Two examples then agree in
about as many bins as their texts share runs. Four bins side by side make a band: only examples that
agree in a whole band are compared, so nothing grows with the square of the file.
32 bytes for each example stay in memory, 16 MB for half a million. Of pairs that share 80 % of
their runs this finds 98 %, of those that share 90 % all but one in ten thousand.

Knows tokens and hashes, not messages.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[Any]  # whole numbers; places of examples take 32 bits, hashes 64
Signatures = npt.NDArray[np.uint8]

BINS = 32
BANDS = BINS // 4
ALIKE = 27  # bins that must agree: 27 of 32 are about 84 % of shared runs
SHORTEST = 12  # tokens; shorter texts are alike by chance
EMPTY = np.uint32(0xFFFFFFFF)
COMPARED = 1 << 18  # tokens of an example; a model takes 65,536
AT_ONCE = 1 << 13  # compared at once, to bound the memory


def signatures(tokens: npt.NDArray[np.uint32], lengths: Ints, shown: Ints) -> Signatures:
    """One row for each example; `tokens` holds all of them, one after the other. Examples that show
    other pictures (`shown`: 64 bits of them, 0 for none) are not alike, whatever they say."""
    count = len(lengths)
    if len(tokens) > COMPARED:
        tokens, lengths = _beginnings(tokens, lengths)
    least = np.full(count * BINS, EMPTY, np.uint32)
    if len(tokens):
        mixed = _runs(tokens, lengths)
        if shown.any():  # of the others nothing may depend on what stands beside them
            pictures = np.repeat(shown, lengths)
            mixed = np.where(pictures, _mix(mixed ^ pictures), mixed)
        bins = (mixed & np.uint64(BINS - 1)).view(np.int64)
        bins += np.repeat(np.arange(0, count * BINS, BINS), lengths)
        np.minimum.at(least, bins, (mixed >> np.uint64(32)).astype(np.uint32))
    found = _fill(least.reshape(count, BINS)).astype(np.uint8)
    found[lengths < SHORTEST] = 0
    return found


def _beginnings(
    tokens: npt.NDArray[np.uint32], lengths: Ints
) -> tuple[npt.NDArray[np.uint32], Ints]:
    """Of examples that no model takes: what is compared needs a hundred bytes for each token."""
    place = np.arange(len(tokens)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return tokens[place < COMPARED], np.minimum(lengths, COMPARED)


def groups(found: Signatures) -> Ints:
    """For each example the number of the first one that it is like; its own if there is none."""
    label = np.arange(len(found), dtype=np.int32)
    usable = np.flatnonzero(found.any(axis=1)).astype(np.int32)
    keys = np.ascontiguousarray(found).view(np.uint32)
    pairs = [_alike(found, usable, keys[:, band][usable]) for band in range(BANDS)]
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return connect(label, one, other)


def first_equal(keys: Ints) -> Ints:
    """For each key the index of its first occurrence."""
    first = np.arange(len(keys), dtype=np.int32)
    order, head = _runs_of_equals(keys)
    first[order] = order[head]
    return first


def _runs_of_equals(keys: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """The places of the values that occur more than once, equal ones side by side; and, for each
    of them, which is the first of its run. Sorting the values alone takes less memory than sorting
    the places of all."""
    ranked = np.sort(keys)
    twice = ranked[1:][ranked[1:] == ranked[:-1]]
    del ranked
    places = [
        at + np.flatnonzero(_among(keys[at : at + AT_ONCE], twice)).astype(np.int32)
        for at in range(0, len(keys), AT_ONCE)
    ]
    found = np.concatenate([np.empty(0, np.int32), *places])
    order = found[np.argsort(keys[found], kind="stable")]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = keys[order[1:]] != keys[order[:-1]]
    return order, np.flatnonzero(begins)[np.cumsum(begins) - 1]


def _among(values: npt.NDArray[Any], ranked: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    if not len(ranked):
        return np.zeros(len(values), np.bool_)
    near = np.searchsorted(ranked, values)
    found: npt.NDArray[np.bool_] = ranked[np.minimum(near, len(ranked) - 1)] == values
    return found


def _runs(tokens: npt.NDArray[np.uint32], lengths: Ints) -> npt.NDArray[np.uint64]:
    """A well mixed hash of each token with the two after it in the same example."""
    mixed = tokens * np.uint64(0x9E3779B97F4A7C15)
    second, third = mixed * np.uint64(0x165667B19E3779F9), mixed
    run = mixed * np.uint64(0xC2B2AE3D27D4EB4F)
    run[:-1] += second[1:]
    run[:-2] += third[2:]
    # What the next example begins with was added to the last two of each: take it back.
    lengths = lengths[lengths > 0]
    begins = np.cumsum(lengths)[:-1]
    run[begins - 1] -= second[begins]
    followed = begins[begins + 1 < len(tokens)]
    run[followed - 1] -= third[followed + 1]
    longer = begins[lengths[:-1] > 1]
    run[longer - 2] -= third[longer]
    return _mix(run)


def _mix(run: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    run ^= run >> np.uint64(29)
    run *= np.uint64(0xBF58476D1CE4E5B9)
    run ^= run >> np.uint64(32)
    return run


def _fill(least: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Empty bins borrow from the next one, so that short texts can be compared as well."""
    holed = np.flatnonzero((least == EMPTY).any(axis=1) & (least != EMPTY).any(axis=1))
    part = least[holed]
    while (holes := part == EMPTY).any():
        lender = np.roll(part, -1, axis=1)
        moved = (lender + np.uint32(0x9E37)) & np.uint32(0x7FFFFFFF)  # never EMPTY
        part = np.where(holes & (lender != EMPTY), moved, part)
    least[holed] = part
    return least


def _alike(found: Signatures, usable: Ints, keys: npt.NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """Pairs within runs of equal keys: each with its neighbour and with the first of its run."""
    order, head = _runs_of_equals(keys)
    place = usable[order]
    same = np.flatnonzero(head != np.arange(len(head)))
    one = np.concatenate([place[same - 1], place[head[same]]])
    other = np.concatenate([place[same], place[same]])
    agree = np.zeros(len(one), np.bool_)
    for at in range(0, len(one), AT_ONCE):
        here = slice(at, at + AT_ONCE)
        agree[here] = (found[one[here]] == found[other[here]]).sum(axis=1) >= ALIKE
    return one[agree], other[agree]


def connect(label: Ints, one: Ints, other: Ints) -> Ints:
    """Everything that is linked, directly or by way of others, gets the least of its labels.

    At first each has its own place for a label. Not only what is linked learns of a lesser label,
    but also what it has its label from (FastSV: Zhang, Azad and Hu, 2020), so that the rounds grow
    with the logarithm of a chain: passed on from one to the next they grow with its length, if its
    examples stand in the file in an order made for it.
    """
    while True:
        before, above = label.copy(), label[label]
        for here, there in ((one, other), (other, one)):
            np.minimum.at(label, before[here], above[there])
            np.minimum.at(label, here, above[there])
        label = np.minimum(label, label[label])
        if (label == before).all():
            return label
