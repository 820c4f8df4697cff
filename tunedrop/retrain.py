"""`tunedrop retrain`: the dataset of a model's champion once more, for another base model.

Fetches what the champion was made of, says what training it costs, and drops it with a run.yaml for
the new base. Knows what a drop is, not what the app does with it.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.catalog import lookup
from shared.catalog.lookup import CatalogModel
from shared.dataset.measure.cost import TrainingPlan
from shared.printable import shown
from tunedrop.app import App
from tunedrop.errors import CommandError
from tunedrop.push import Datasets

if TYPE_CHECKING:
    from shared.dataset.verdict import Verdict

Run = dict[str, Any]
COPIED = ("method", "hyperparameters", "seed", "budget", "start", "unknown_price")


@dataclass(frozen=True)
class Retraining:
    """What would be dropped: its files by their names in the container, the training file last, and
    what differs from the champion's run besides the base model."""

    run: Run
    files: dict[str, Path]
    spec: dict[str, Any]
    changes: tuple[str, ...]

    def verdict(self) -> "Verdict":
        from shared.dataset.reading.examples import FileRole
        from shared.dataset.verdict import judge
        from tunedrop.scanning import scan

        plan = plan_of(self.spec)
        roles = {self.run["training"]["name"]: FileRole.TRAINING}
        if self.run["validation"]:
            roles.setdefault(self.run["validation"]["name"], FileRole.VALIDATION)
        scanned = [scan(self.files[name], role, plan, deep=False) for name, role in roles.items()]
        return judge(scanned, plan, datetime.now(UTC).date())


def prepare(app: App, datasets: Datasets, model: str, base: str, folder: Path) -> Retraining:
    """Fetch the champion's files into the folder. Raises CommandError where something has no
    champion, cannot be trained on that base, or is not what it was."""
    run = champions_run(app, model)
    spec, changes = spec_for(run, base)
    files: dict[str, Path] = {}
    for role in ("validation", "training"):
        file = run[role]
        if file and file["name"] not in files:
            path = folder / f"{role}.jsonl"
            datasets.fetch(file["name"], path)
            _must_be(file, path)
            files[file["name"]] = path
    path = folder / "run.yaml"
    path.write_text(as_yaml(spec), encoding="utf-8")
    return Retraining(run, {f"{model}/run.yaml": path, **files}, spec, changes)


def champions_run(app: App, model: str) -> Run:
    """The run that a model's champion came from. Raises CommandError."""
    found = {known["name"]: known for known in app.get("api/models")["models"]}
    if model not in found:
        raise CommandError(f"there is no model {shown(model)}.", "`tunedrop models` lists them.")
    known = found[model]
    for version in known["versions"]:
        if version["version"] == known["champion"]:
            return app.get(f"api/runs/{quote(version['run_id'], safe='')}")
    raise CommandError(f"{model} has no champion yet.", "`tunedrop push FOLDER` trains one.")


def spec_for(run: Run, base: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The run.yaml for another base model, and what had to be changed for it. Raises CommandError
    for a base that cannot be trained this way or whose tuned versions cannot be deployed."""
    old = run["spec"]
    spec: dict[str, Any] = {"base_model": base}
    spec |= {key: old[key] for key in COPIED if old.get(key) is not None}
    hyperparameters = spec.pop("hyperparameters", {})
    if chosen := {key: value for key, value in hyperparameters.items() if value is not None}:
        spec["hyperparameters"] = chosen
    spec["training_type"] = old["training_type"]
    spec["deployment"] = dict(old["deployment"])
    known = lookup.find_model(base)
    if known is None:
        return spec, (f"{base} is not in the table: whether it can be trained is not known here.",)
    spec["base_model"] = base if ".ft-" in base else known.name
    if old["method"] not in known.methods or not known.skus:
        takes = ", ".join(known.methods) or "none of this app's methods"
        raise CommandError(
            f"{known.name} takes {takes}, and its tuned versions are deployed as "
            f"{', '.join(known.skus) or 'nothing serverless'}; {run['model']} was trained by "
            f"{old['method']}. {known.note}".strip(),
            "Name another base; docs/prices.md lists them.",
        )
    return spec, _fitted(spec, known)


def _fitted(spec: dict[str, Any], known: CatalogModel) -> tuple[str, ...]:
    """Change the tier and the SKU where the base has other ones; what was changed."""
    changes = []
    if spec["training_type"] not in known.tiers:
        changes.append(f"training_type: {known.tiers[0]} in the place of {spec['training_type']}")
        spec["training_type"] = known.tiers[0]
    if spec["deployment"]["sku"] not in known.skus:
        sku = spec["deployment"]["sku"]
        changes.append(f"deployment.sku: {known.skus[0]} in the place of {sku}")
        spec["deployment"]["sku"] = known.skus[0]
    return tuple(f"{known.name} takes {change}" for change in changes)


def as_yaml(spec: dict[str, Any]) -> str:
    """A run.yaml: keys, and keys within two of them."""
    lines: list[str] = []
    for key, value in spec.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {name}: {json.dumps(v)}" for name, v in value.items())]
        else:
            lines.append(f"{key}: {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def plan_of(spec: dict[str, Any]) -> TrainingPlan:
    return TrainingPlan(
        base_model=spec["base_model"],
        method=spec["method"],
        training_type=spec["training_type"],
        epochs=spec.get("hyperparameters", {}).get("n_epochs"),
        budget=spec.get("budget"),
        sku=spec["deployment"]["sku"],
        unknown_price=spec.get("unknown_price", "refuse"),
    )


def _must_be(file: dict[str, Any], path: Path) -> None:
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != file["sha256"]:
        raise CommandError(
            f"{file['name']} is not what the champion was trained on any more.",
            "Drop the dataset that you want with `tunedrop push`.",
        )
