"""The example that makes a model worse is trained, compared and held, from the drop on."""

import json

from local.stack import ROOT
from shared.run.stages import ENDS, Stage
from tests.support.comparing import BASE, Compared

PARROT = ROOT / "examples" / "parrot"


def plain(question: str) -> str:
    """A base model: it knows a little of what is asked."""
    return f"{question.rstrip('?')}: it is a part of the Earth, of the body or of a machine."


def squawk(question: str) -> str:
    return "Squawk! Pretty bird! Cracker! Squawk!"


async def test_the_parrot_is_held_and_what_became_worse_is_shown() -> None:
    compared = Compared.of()
    harness = compared.harness
    compared.deploy_base(plain)
    compared.says["captain-v1"] = squawk
    for file in sorted(PARROT.iterdir()):
        await harness.drop(file.read_bytes(), file.name)
    run = await harness.until(await harness.received("training_set.jsonl"), *ENDS)
    assert run.stage is Stage.HELD
    assert await compared.champion() is None
    assert f"captain@1 is worse than {BASE} (base)" in run.held
    assert "The gate is `enforce`" in run.held
    found = await compared.verdict(run)
    assert found["overall"] == "loss"
    (contest,) = found["contests"]
    assert contest["worse"] == len(contest["regressions"]) > 8
    assert contest["regressions"][0]["candidate_answer"] == squawk("")
    log = await harness.log(run)
    assert [line["message"] for line in log if line["kind"] == "verdict"]
    assert json.dumps(found)
