"""Prompts that many examples share on purpose: for a voice, a style, a kind of post. Their answers
differ because they are meant to, so none contradicts another. Knows hashes, not messages.
"""

import numpy as np
import numpy.typing as npt

from shared.dataset.measure.similarity import Ints, first_equal

MANY_ANSWERS = 5  # different ones to one prompt: fewer may be a mistake
MOST = 0.5  # of the different examples: for fewer it is no habit of the file


def shared(keys: Ints, prompts: Ints) -> npt.NDArray[np.bool_]:
    """Which examples have such a prompt, if most of the file have one; `keys` are equal for
    examples that say the same, `prompts` for those that ask the same."""
    different = first_equal(keys) == np.arange(len(keys), dtype=np.int32)
    asked = first_equal(prompts)
    answers = np.bincount(asked[different], minlength=len(keys))
    found: npt.NDArray[np.bool_] = (answers >= MANY_ANSWERS)[asked]
    if found[different].sum() < MOST * different.sum():
        found[:] = False
    return found
