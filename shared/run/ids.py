"""What a run is, as digits: the digest of its content and settings, and the ids made of it.

    digest   SHA-256 of content and settings, whole: decides whether two drops are one run
    id       <model>-<32 hex digits of it>: names the run everywhere
    short    <model>-<8 hex digits>: for people, wherever a run is asked for

Pure. Knows no storage.
"""

import hashlib
import re

from shared.run.record import File, Run, Share
from shared.run.spec import Spec

ID_DIGITS = 32  # 128 bits: nobody finds two datasets with one id
EARLIER_DIGITS = 12  # of the ids that runs had earlier; they begin the ids of today
SHORT_DIGITS = 8
ID = re.compile(r"[a-z0-9-]{1,120}")  # what is none is never asked of storage
ASKED = re.compile(
    rf"[a-z0-9-]{{1,40}}-[0-9a-f]{{{SHORT_DIGITS},{ID_DIGITS}}}"
)  # what may be the beginning of an id


def digest(training: File, validation: File | None, spec: Spec) -> str:
    """64 hex digits. Every part but the last has a fixed form, so no two contents share a text."""
    whole = training.share is Share.ALL
    parts = [training.sha256, validation.sha256 if validation else "", spec.model_dump_json()]
    parts += [] if whole else ["split"]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def digest_of(run: Run) -> str:
    """A run's digest; of a record from before it was kept there, made of what the record has."""
    return run.digest or digest(run.training, run.validation, run.spec)


def run_id(model: str, digest: str) -> str:
    return f"{model}-{digest[:ID_DIGITS]}"


def earlier_id(model: str, digest: str) -> str:
    return f"{model}-{digest[:EARLIER_DIGITS]}"


def short(run_id: str) -> str:
    model, _, digits = run_id.rpartition("-")
    return f"{model}-{digits[:SHORT_DIGITS]}"
