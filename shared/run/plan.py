"""Whether a run should be paid for: every question about the account with its answer. Pure.

What the price may be is the verdict's to say, and what a day may cost the ceilings'.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.cloud.offers import Offers
from shared.run.answers import Answer, Asked, Says, Upload
from shared.run.comparable import Held, comparison
from shared.run.deployable import quota, sku, slot
from shared.run.record import Failure
from shared.run.spec import Spec
from shared.run.trainable import files, jobs, lifecycle, method, model, region, training_type

SCHEMA_VERSION = 1
QUESTIONS = (model, lifecycle, method, training_type, region, sku, quota, slot, jobs, files)
NOTHING = Upload()


@dataclass(frozen=True)
class Plan:
    """`answers` are in the order of the questions; one that hangs on another `no` is left out."""

    at: datetime
    region: str
    answers: tuple[Answer, ...]

    @property
    def refusals(self) -> tuple[Answer, ...]:
        """What nobody but the account's owner, or another run.yaml, can change."""
        return tuple(a for a in self.answers if a.says is Says.NO and not a.passes)

    @property
    def waits(self) -> tuple[Answer, ...]:
        """What passes by itself."""
        return tuple(answer for answer in self.answers if answer.passes)

    @property
    def waiting_for(self) -> str:
        return " ".join(f"{answer.sentence} {answer.instead}" for answer in self.waits)

    def failure(self, run_id: str, done: str = "Nothing was sent.") -> Failure:
        """Every `no` in one message; `done`: how far the run has come."""
        said = " ".join(answer.sentence for answer in self.refusals)
        ways = " ".join(filter(None, (answer.instead for answer in self.refusals)))
        return Failure(
            message=f"The account cannot do what this run asks for. {said} {done}",
            fix=f"{ways} With another run.yaml, drop the dataset again; once the account has "
            f"changed, `tunedrop retry {run_id}`.",
            blame="caller",
        )

    def as_json(self) -> dict[str, Any]:
        """What plan.json, the report and `POST /api/plan` hold."""
        says = {answer.says for answer in self.answers}
        worst = next((one for one in (Says.NO, Says.UNKNOWN) if one in says), Says.YES)
        return {
            "schema_version": SCHEMA_VERSION,
            "at": self.at.isoformat(),
            "region": self.region or None,
            "says": worst,
            "answers": [{**asdict(a), "options": list(a.options)} for a in self.answers],
        }


def plan(
    spec: Spec,
    offers: Offers,
    now: datetime,
    upload: Upload = NOTHING,
    coming: tuple[Spec, ...] = (),
    held: Held | None = None,
    spare: tuple[Spec, ...] = (),
) -> Plan:
    """`upload`: what is still to be sent to the service; `coming`: what other runs ask for that
    come first and have no deployment yet; `held`: what a new version is compared by; `spare`:
    deployments that make room where it is needed."""
    asked = Asked(spec, offers, now.date(), upload, coming, spare)
    found = [question(asked) for question in QUESTIONS]
    found += [comparison(asked, held)] if held else []
    return Plan(now, offers.location.value or "", tuple(a for a in found if a))
