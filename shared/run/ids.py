"""What a run is, as digits: the digest of what is trained, and the ids made of it.

    digest   SHA-256 of content and training, whole: decides whether two drops are one run
    id       <model>-<32 hex digits of it>: names the run everywhere
    short    <model>-<8 hex digits>: for people, wherever a run is asked for

Only what decides what is trained is part of it: content, split, base model, method,
hyperparameters, seed and training type. Limits, switches and the deployment are not: the same files
with another budget, SKU or gate are the same run, and nothing is trained or paid for again. Runs of
before had them in their digest and so in their id; `made_of` tells what they are made of as well.
Pure. Knows no storage.
"""

import hashlib
import re

from shared.catalog import facts, lookup
from shared.cloud.offers import is_tuned
from shared.run.record import File, Run, Share
from shared.run.spec import NO_LIMITS, Spec

ID_DIGITS = 32  # 128 bits: nobody finds two datasets with one id
EARLIER_DIGITS = 12  # of the ids that runs had earlier; they begin the ids of today
SHORT_DIGITS = 8
ID = re.compile(r"[a-z0-9-]{1,120}")  # what is none is never asked of storage
ASKED = re.compile(
    rf"[a-z0-9-]{{1,40}}-[0-9a-f]{{{SHORT_DIGITS},{ID_DIGITS}}}"
)  # what may be the beginning of an id


def digest(training: File, validation: File | None, spec: Spec) -> str:
    """64 hex digits. Every part but the last has a fixed form, so no two contents share a text."""
    trained = spec.with_limits(NO_LIMITS).model_copy(update=_in_one_spelling(spec))
    return _digest(training, validation, trained.model_dump_json(exclude={"deployment", "release"}))


def made_of(run: Run) -> str:
    """The digest of what a run is made of, by today's rule, whatever rule it was entered by."""
    return digest(run.training, run.validation, run.spec)


def judged(run: Run) -> str | None:
    """The digest of what is trained, wherever its bytes lie; None where they are not known yet."""
    contents = [_content(file) for file in run.files]
    if None in contents:
        return None
    files = zip(run.files, contents, strict=True)
    whole = [file.replace(sha256=content, share=Share.ALL) for file, content in files]
    return digest(whole[0], whole[1] if whole[1:] else None, run.spec)


def _content(file: File) -> str | None:
    return file.content_sha256 or (file.sha256 if file.share is Share.ALL else None)


def earlier_ids(run: Run) -> tuple[str, str]:
    """The ids that a run like this one had when the deployment was a part of its digest."""
    whole = _digest(run.training, run.validation, run.spec.model_dump_json(exclude={"release"}))
    return run_id(run.model, whole), earlier_id(run.model, whole)


def _in_one_spelling(spec: Spec) -> dict[str, str]:
    """Names that the service takes in any case, and by which the catalog knows the same model."""
    known = None if is_tuned(spec.base_model) else lookup.find_model(spec.base_model)
    tier = spec.training_type
    return {
        "base_model": known.name if known else spec.base_model,
        "training_type": facts.TIERS.get(tier.lower(), tier),
    }


def _digest(training: File, validation: File | None, spec: str) -> str:
    whole = training.share is Share.ALL
    if not whole:
        validation = training  # both lie in one blob, also where nothing of it could be held out
    parts = [training.sha256, validation.sha256 if validation else "", spec]
    parts += [] if whole else ["split"]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def run_id(model: str, digest: str) -> str:
    return f"{model}-{digest[:ID_DIGITS]}"


def earlier_id(model: str, digest: str) -> str:
    return f"{model}-{digest[:EARLIER_DIGITS]}"


def short(run_id: str) -> str:
    model, _, digits = run_id.rpartition("-")
    return f"{model}-{digits[:SHORT_DIGITS]}"
