"""`dev.py mutants`: tries the mutants and prints what became of each."""

import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatch

from tests.mutants.mutant import Mutant, all_mutants, of_the_day
from tests.mutants.options import parser
from tests.mutants.tool import command as tool
from tests.mutants.trial import Fate, Trial, try_all


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.tool:
        return tool.main(options)
    mutants = chosen(all_mutants(), options.names, options.sample)
    if not mutants:
        print(f"No mutant is called {' or '.join(options.names)}; --list names them all.")
        return 1
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name:<40}  {mutant.file}: {mutant.promise}")
        return 0
    began = time.monotonic()
    trials = try_all(mutants, options.workers, tell)
    lost = [trial for trial in trials if trial.fate is not Fate.FOUND]
    found, minutes = len(trials) - len(lost), (time.monotonic() - began) / 60
    print(f"\n{found} of {len(trials)} were found, in {minutes:.1f} minutes")
    for trial in lost:
        print(f"{trial.fate}: {trial.mutant.name} ({trial.mutant.promise}) {trial.by}")
    return 1 if lost else 0


def chosen(mutants: list[Mutant], names: Sequence[str], sample: int | None) -> list[Mutant]:
    if names:
        mutants = [m for m in mutants if any(fnmatch(m.name, name) for name in names)]
    return mutants if sample is None else of_the_day(mutants, sample)


def tell(trial: Trial) -> None:
    name = trial.mutant.name
    print(f"{trial.fate:<8}  {name:<40}  {trial.seconds:5.1f} s  {trial.by}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
