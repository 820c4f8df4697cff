"""The options of `dev.py mutants`. Standard library only: dev.py reads them before anything is
installed."""

import argparse
import os


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        "dev.py mutants",
        description="Try deliberate faults, each in a copy of the checkout with the tests that "
        "must notice it. Writes nothing without --save. Exits with 1 if one survived, or does not "
        "apply to the code any more. All of them take about 45 minutes.",
    )
    made.add_argument("names", nargs="*", metavar="NAME", help="only these; * stands for anything")
    made.add_argument("--list", action="store_true", help="say what they are and try none")
    made.add_argument("--sample", type=int, metavar="N", help="so many, others each day")
    made.add_argument(
        "--tool",
        action="store_true",
        help="run mutmut over the pure modules, or those that NAME names by their files; whatever "
        "survives needs a reason in tests/mutants/tool/equivalent.toml, but for as many as "
        "docs/mutants.md counts. Not on Windows",
    )
    made.add_argument(
        "--save", action="store_true", help="with --tool: write its figures, for docs/mutants.md"
    )
    made.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="tried at a time (default: cores)"
    )
    return made
