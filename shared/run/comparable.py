"""What comparing a new version will take, before anything is paid for: with whom, how many chats,
about how many tokens. Pure: a question of the plan with its answer.

No price of answers by the token is in the catalog, so none is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.catalog import lookup
from shared.cloud.deployments import Deployment
from shared.printable import shown
from shared.run.answers import Answer, Asked, Says

BYTES_OF_A_TOKEN = 4  # of an English text; with JSON around it, rather too many tokens than too few
DECIDING = 8  # examples at the least by which a verdict decides: paired.MIN_EXAMPLES, without numpy
SETTING = "TUNEDROP_BASE_DEPLOYMENTS"


@dataclass(frozen=True, slots=True)
class Held:
    """A validation set: its examples and bytes, None where they are not known yet. No more than
    `most` examples of it are asked. `base_deployments` are those that the setting names, `judge`
    the one that rates answers."""

    examples: int | None = None
    size: int | None = None
    most: int = 100
    base_deployments: tuple[str, ...] = ()
    judge: str = ""


def comparison(asked: Asked, held: Held) -> Answer | None:
    """None where nothing is to be compared: the gate is off."""
    if asked.spec.release.gate == "off":
        return None
    if held.examples == 0:
        return Answer(
            "comparison",
            Says.YES,
            "There is no validation set, so a new version is compared with nothing, and no gate "
            "holds it.",
        )
    base = base_deployment(asked.base, asked.offers.deployments.value or (), held.base_deployments)
    with_base = f" and with {shown(asked.base)}, deployed as {base.name}" if base else ""
    sentence = f"A new version is compared with the champion{with_base}: {_takes(held, base)}"
    if held.examples is not None and min(held.examples, held.most) < DECIDING:
        sentence += f" Fewer than {DECIDING} examples decide nothing, so no gate holds it."
    if base or asked.offers.deployments.value is None:
        return Answer("comparison", Says.YES, sentence)
    instead = f"To compare with the base model as well, name a deployment of it in {SETTING}."
    return Answer("comparison", Says.YES, f"{sentence} {instead}")


def _takes(held: Held, base: Deployment | None) -> str:
    sides = 3 if base else 2
    examples = held.most if held.examples is None else min(held.examples, held.most)
    chats = f"up to {examples:,} examples each, {examples * sides:,} chats"
    if held.judge:
        chats += f" and as many ratings by {shown(held.judge)}"
    if not (held.examples and held.size):
        return f"{chats} that are paid for by the token."
    tokens = held.size / held.examples / BYTES_OF_A_TOKEN * examples * sides
    return (
        f"{chats} with about {_rounded(tokens):,} tokens of prompts and answers together; their "
        "price is not in the table."
    )


def _rounded(tokens: float) -> int:
    """To two digits."""
    step = int(10 ** max(len(str(int(tokens))) - 2, 0))
    return max(round(tokens / step) * step, 1)


def base_deployment(
    base: str, there: Iterable[Deployment], named: Iterable[str]
) -> Deployment | None:
    """The first of those that are named which is there, ready, and serves that base model."""
    known = {deployment.name: deployment for deployment in there}
    found = (known[name] for name in named if name in known)
    return next((one for one in found if one.state == "Succeeded" and serves(one, base)), None)


def serves(deployment: Deployment, base: str) -> bool:
    """Whether it serves that base model: a catalog's name has the version at its end, and Azure
    Resource Manager tells it apart."""
    wanted, told = lookup.service_name(base).lower(), deployment.model.lower()
    if deployment.version and wanted != told:
        return wanted == f"{told}-{deployment.version.lower()}"
    return wanted == told or (wanted.startswith(f"{told}-") and wanted[len(told) + 1].isdigit())
