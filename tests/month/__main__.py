"""`python -m tests.month`: thirty simulated days, what they have cost by the app's ledger, and
whether that is what the emulator's deployments were there for. Writes nothing, unless asked."""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.month.ledger import Compared, compare, report
from tests.month.story import MODELS, PLACES, Story


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
    print(report(compared))
    return 1 if compared.differing() else 0


async def live(models: int, places: int, seed: int, ceiling: float) -> Compared:
    with (
        tempfile.TemporaryDirectory(prefix="tunedrop-") as folder,
        closing(Story(Path(folder), seed, models, places, ceiling)) as story,
    ):
        await story.live()
        return await compare(story)


if __name__ == "__main__":
    sys.exit(main())
