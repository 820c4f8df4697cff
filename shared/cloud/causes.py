"""What a refusal or an end is about: its cause, whose move it is, and what brings things on again.

A cause is found by the service's code first and by its sentence second, for a code means one thing
and a sentence may hold any word: of a file's name, of a dataset. Only where a code means many
things do the sentence's words decide. Data and look-ups; the tables are in `denials` (who asks),
`refusals` (deployments) and `job_errors` (files and jobs).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ACCOUNT, GROUP = "ACCOUNT", "GROUP"  # where the names are not known
LONGEST_READ = 2000  # characters of a sentence in which words are looked for


class Then(StrEnum):
    """What brings a run on, once the move is made."""

    RETRY = "retry"  # asking again is of use then
    LESS = "deploy with less capacity"
    OTHER = "deploy with another SKU"
    DROP = "drop again"  # other data, another base model: another job
    NOTHING = "nothing"
    WAITS = "it goes on by itself"


@dataclass(frozen=True, slots=True)
class Cause:
    """`codes` are in lower case, a status is one. `says` is a sentence of the service's by which it
    is found without a code, empty where codes alone tell. `fix` may name {account} and {group}.
    `vague` are codes that mean many things: other causes' codes and words come first."""

    name: str
    codes: frozenset[str]
    signs: re.Pattern[str] | None
    whose: str
    fix: str
    then: Then
    says: str
    blame: str = "caller"
    vague: frozenset[str] = frozenset()
    written: tuple[str, ...] = ()  # the codes as the service writes them

    def cure(self, account: str = "", group: str = "") -> str:
        return self.fix.format(account=account or ACCOUNT, group=group or GROUP)

    def named(self, codes: frozenset[str]) -> bool:
        return not codes.isdisjoint(self.codes | self.vague)

    def told(self, sentence: str) -> bool:
        return self.signs is not None and self.signs.search(sentence) is not None


def cause(
    name: str,
    whose: str,
    fix: str,
    then: Then,
    *,
    codes: str = "",
    signs: re.Pattern[str] | None = None,
    says: str = "",
    blame: str = "caller",
    vague: str = "",
) -> Cause:
    """Codes with spaces between them."""
    named, many = (frozenset(several.lower().split()) for several in (codes, vague))
    written = tuple(f"{codes} {vague}".split())
    return Cause(name, named, signs, whose, fix, then, says, blame, many, written)


def find(causes: Iterable[Cause], codes: Iterable[str], sentence: str) -> Cause | None:
    """The first that fits best: code and words, then the code alone, then the words alone, and last
    a code that is used for many things."""
    known, given = list(causes), frozenset(code.lower() for code in codes if code)
    sentence = sentence[:LONGEST_READ]
    by_code = [one for one in known if one.named(given)]
    ranked = (
        [one for one in by_code if one.told(sentence)],
        [one for one in by_code if not given.isdisjoint(one.codes)],
        [one for one in known if one.told(sentence)],
        by_code,
    )
    return next((found[0] for found in ranked if found), None)
