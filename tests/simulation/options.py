"""The options of `dev.py simulate`, apart from what it does: `--help` needs no set-up.

Standard library only: dev.py reads them before anything is installed.
"""

import argparse
import os

KNOWN = ("stale-costs", "wrong-clocks")


def simulate() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py simulate",
        description="Live whole lives of runs in memory, one for each seed: several hosts on one "
        "storage and one service, with lost, late, doubled and refused answers, workers killed and "
        "frozen. A seed that breaks a rule is shrunk to its smallest story, which is printed; the "
        "exit code is then 1. Writes nothing.",
    )
    parser.add_argument("--seeds", type=int, default=20_000, metavar="N", help="how many (20000)")
    parser.add_argument("--first", type=int, default=0, metavar="S", help="the first of them (0)")
    parser.add_argument("--seed", type=int, metavar="S", help="this one alone, not shrunk")
    parser.add_argument("--story", action="store_true", help="print what happens, call by call")
    parser.add_argument(
        "--known",
        action="append",
        default=[],
        choices=KNOWN,
        help="let this known fault strike as well (tests/simulation/plan.py describes it)",
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="side by side (all processors)"
    )
    return parser
