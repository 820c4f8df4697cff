"""`python -m tests.month`: thirty simulated days, what they have cost by the app's ledger, and
whether that is what the emulator's deployments were there for. Writes nothing, unless asked."""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path

from shared.model.cost_sheet import hours
from tests.month.ledger import Compared, compare
from tests.month.story import DAYS, MODELS, PLACES, Story
from tunedrop.cost import table


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.month", description=__doc__)
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--places", type=int, default=PLACES, help="deployments at the same time")
    parser.add_argument("--seed", type=int, default=15, help="another story")
    parser.add_argument("--ceiling", type=float, default=0.0, help="USD of hosting in a month")
    parser.add_argument("--json", type=Path, help="write what GET /api/cost answers to this file")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    compared = asyncio.run(live(asked.models, asked.places, asked.seed, asked.ceiling))
    if asked.json:
        asked.json.write_text(json.dumps(compared.answers, indent=2), encoding="utf-8")
    print(told(compared))
    return 1 if compared.differing() else 0


async def live(models: int, places: int, seed: int, ceiling: float) -> Compared:
    with tempfile.TemporaryDirectory(prefix="tunedrop-") as folder:
        story = Story(Path(folder), seed, models, places, ceiling)
        try:
            await story.live()
            return await compare(story)
        finally:
            story.account.close()


def told(compared: Compared) -> str:
    lines = [line for answer in compared.answers for line in (*table(answer, parts=False), "")]
    lines += [
        f"{line.name} in {line.month}: {hours(line.ledger)} by the ledger, "
        f"{hours(line.account)} by the emulator"
        for line in compared.differing()
    ]
    ledger, whole = hours(compared.ledger), hours(compared.whole)
    return "\n".join(
        [*lines, f"{DAYS} days: {ledger} hours by the ledger, {whole} by the emulator"]
    )


if __name__ == "__main__":
    sys.exit(main())
