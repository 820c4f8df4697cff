"""The benchmarks, what each takes and where its figures are kept. Standard library only: dev.py
reads this before anything is installed."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Bench:
    """`minutes` on two cores; `option` is one of its own, with what it does."""

    what: str
    minutes: int
    option: tuple[str, str] | None = None


SHORT = "small sizes only"
BENCHES = {
    "certificate": Bench(
        "Stories of a model, killed at every call: what was doubled or lost.",
        10,
        ("--short", "a few kills of each story, in memory only"),
    ),
    "chat": Bench(
        "Chat through the relay, beside a direct call and the LiteLLM proxy.",
        10,
        ("--long", "100,000 requests besides, to watch memory"),
    ),
    "dataset": Bench(
        "The dataset check, beside others that do it.",
        5,
        ("--profile", "only draw docs/dataset-check-time.svg: where the time goes"),
    ),
    "emulator": Bench("What a fine-tune and a chat take of memory and time.", 10),
    "hostile": Bench(
        "Text that was written to cost time or memory, at a size and at four times that size.",
        5,
        ("--short", SHORT),
    ),
    "tick": Bench(
        "A tick of the timer, whatever has finished, beside the obvious way.",
        10,
        ("--short", SHORT),
    ),
    "timer": Bench(
        "Chats that do the work of a timer that is dead, beside chats that do not.",
        5,
        ("--short", "four rounds instead of twenty"),
    ),
}


def parser(name: str) -> argparse.ArgumentParser:
    bench = BENCHES[name]
    made = argparse.ArgumentParser(
        f"dev.py bench {name}",
        description=f"{bench.what} Takes about {bench.minutes} minutes on two cores, uses "
        "temporary folders and free ports, prints its figures, and writes nothing without --save.",
    )
    made.add_argument(
        "--save", action="store_true", help=f"write the figures to bench/results/{name}.json"
    )
    if bench.option:
        made.add_argument(bench.option[0], action="store_true", help=bench.option[1])
    return made


def tell(name: str, result: dict[str, Any], save: bool) -> None:
    """Print the figures; write them where the last ones are, if that is wanted."""
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if save:
        (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"written: bench/results/{name}.json")
