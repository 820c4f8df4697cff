"""Carries out one fine-tuning job: reads its files, trains, and stores what the training leaves.

The bridge between the jobs that the API shows and the training that torch does; knows no HTTP.
"""

import gc
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..control_plane.catalog import base_of
from ..control_plane.model_registry import ModelRegistry
from ..core.context import Component, Context
from ..core.store import Document
from ..language import malloc
from ..language.dataset import (
    DatasetError,
    have_calls,
    have_pictures,
    read_examples,
    read_pairs,
    require_enough,
)
from ..language.model import LanguageModel
from ..language.training_plan import (
    DEFAULT_BETA,
    DPO_PEAK_RATES,
    PEAK_RATES,
    Hyperparameters,
    Plan,
    make_plan,
)
from .files import Files
from .job_queue import JobQueue
from .job_request import echoed_method
from .training_log import TrainingLog

if TYPE_CHECKING:  # torch takes seconds to import and must not delay the start of the server
    from ..language.training import Epoch, Training

# Seconds between two savings of a training's state, from which a restart goes on.
SAVE_SECONDS = 5.0
T = TypeVar("T")
# Both messages S-DOC; that the code of both is contentFilter is [inferred].
UNSAFE_DATA = (
    "The provided training data failed RAI checks for harm types: [hate_fairness, self_harm,"
    " violence]. Please fix the data and try again."
)
UNSAFE_MODEL = (
    "This model is unable to be deployed. Model evaluation identified that this fine tuned model"
    " scores above acceptable thresholds for [Violence, Self Harm]."
)


class Stopped(Exception):
    """The job is cancelled, or the whole emulator stops."""


class Paused(Exception):
    """The job is to wait, and to go on later from here."""


class Failed(Exception):
    """The job fails, with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class JobRunner(Component):
    """`stopping` is set when the emulator is to end: a training then stops at its next batch."""

    def __init__(
        self,
        context: Context,
        queue: JobQueue,
        files: Files,
        registry: ModelRegistry,
        language: LanguageModel,
        stopping: threading.Event,
    ) -> None:
        super().__init__(context)
        self._queue, self._files, self._registry = queue, files, registry
        self._language, self._adapters = language, language.adapters
        self.stopping = stopping
        self._saved_at: dict[str, float] = {}

    def run(self, job: Document) -> None:
        """One job to its end; an error ends the job and never the worker."""
        try:
            self._train(job)
        except (DatasetError, Failed) as error:
            self._fail(job, error.code, str(error))
        except Paused:
            self._queue.add_event(job["id"], "Job paused.")  # wording [inferred]
            self._queue.update(job["id"], status="paused")
        except Stopped:
            # If the whole emulator stops, the job stays "running" and the next start queues it.
            if not self.stopping.is_set():
                self._queue.add_event(job["id"], "Job cancelled.")  # wording [inferred]
                self._queue.finish(job["id"], "cancelled")
                self._remove_state(job)
        except Exception as error:  # noqa: BLE001
            if not self.stopping.is_set():  # otherwise the database is gone, and nothing is lost
                traceback.print_exc(file=sys.stderr)
                self._fail(job, "internalFailure", f"The emulator failed: {error}")
        finally:
            gc.collect()  # reference cycles in module trees would keep an optimizer's memory
            malloc.trim()

    def _fail(self, job: Document, code: str, message: str) -> None:
        self._queue.add_event(job["id"], message, level="error")
        self._queue.finish(
            job["id"], "failed", error={"code": code, "message": message, "param": None}
        )
        self._remove_state(job)

    def _train(self, job: Document) -> None:
        self._queue.add_event(job["id"], "Job started.")
        if job["_fault"] == "job-unsafe-data":
            raise Failed("contentFilter", UNSAFE_DATA)
        training, billed = self._prepare(job)
        log = TrainingLog(self._queue, self._clock, job["id"])
        saved = training.restore(self._state(job))
        log.rows = saved["rows"] if saved else []
        from ..language.training import Step

        try:
            for report in training:
                if isinstance(report, Step):
                    log.step(report)
                    if job["_fault"] == "job-failed" and report.number * 2 >= report.total:
                        raise Failed("internalFailure", "The job failed. Please try again.")
                else:
                    self._checkpoint(job, training, report, log)
        except Paused:
            self._save_paused(job, training, log)
            raise
        if job["_fault"] == "job-unsafe-model":
            raise Failed("contentFilter", UNSAFE_MODEL)
        self._succeed(job, training, billed, log)

    def _prepare(self, job: Document) -> "tuple[Training[Any], int]":
        """The training of a job, with nothing learned yet, and the tokens to be billed for it."""
        method = job["method"]["type"] if "method" in job else "supervised"
        read: Callable[[Any], list[Any]] = read_pairs if method == "dpo" else read_examples
        examples = self._read(job["training_file"], read)
        require_enough(examples)
        held_out = self._read(job["validation_file"], read) if "validation_file" in job else []
        if have_pictures([*examples, *held_out]):
            _require_pictures(job["model"])
        job["_calls"] = have_calls(examples)
        base = self._language.trainable()
        plan, beta = self._plan(job, method, len(examples))
        parent = self._adapters / job["_parent"] if job["_parent"] else None
        from ..language import methods

        def check() -> None:
            self._check(job)

        if method == "dpo":
            return methods.preference(base, examples, held_out, plan, parent, check, beta)
        return methods.supervised(base, examples, held_out, plan, parent, check)

    def _plan(self, job: Document, method: str, examples: int) -> tuple[Plan, float]:
        """With every "auto" resolved, and written into the job; the float is beta, for DPO."""
        requested = dict(job["_hyperparameters"])
        of_dpo = {
            "beta": requested.pop("beta", DEFAULT_BETA),
            "l2_multiplier": requested.pop("l2_multiplier", 0.0),
        }
        rates = DPO_PEAK_RATES if method == "dpo" else PEAK_RATES
        plan = make_plan(Hyperparameters(**requested), job["seed"], examples, rates)
        resolved = {
            "batch_size": plan.batch_size,
            "learning_rate_multiplier": plan.learning_rate_multiplier,
            "n_epochs": plan.n_epochs,
        }
        self._queue.update(job["id"], hyperparameters=resolved)
        if "method" in job:  # the other place where a job may show them
            self._queue.update(job["id"], method=echoed_method(method, resolved | of_dpo))
        return plan, of_dpo["beta"]

    def _check(self, job: Document) -> None:
        if self.stopping.is_set() or self._queue.is_cancelled(job["id"]):
            raise Stopped
        if self._queue.is_pausing(job["id"]):
            raise Paused

    def _read(self, file_id: str, read: Callable[[Any], list[T]]) -> list[T]:
        try:
            with self._files.path(file_id).open("rb") as lines:
                return read(lines)
        except FileNotFoundError as error:  # deleted while the job was waiting
            raise DatasetError(f"The file {file_id} no longer exists.") from error

    # ---- what a training leaves --------------------------------------------------------------

    def _checkpoint(
        self, job: Document, training: "Training[Any]", epoch: "Epoch", log: TrainingLog
    ) -> None:
        self._save_checkpoint(job, training, log.epoch(epoch))
        if time.monotonic() - self._saved_at.get(job["id"], 0) > SAVE_SECONDS:
            training.save(self._state(job), {"rows": log.rows})
            self._saved_at[job["id"]] = time.monotonic()

    def _save_checkpoint(
        self, job: Document, training: "Training[Any]", metrics: dict[str, Any]
    ) -> None:
        folder = self._folder(job, training.steps)
        training.save_adapter(folder)
        name = f"{_tuned_name(job, with_suffix=False)}:ckpt-step-{training.steps}"  # S-AUTH
        self._register(job, name, folder)
        self._queue.add_checkpoint(job["id"], name, metrics)

    def _save_paused(self, job: Document, training: "Training[Any]", log: TrainingLog) -> None:
        """A paused job can go on, and what it has learned can be deployed (S-DOC)."""
        training.save(self._state(job), {"rows": log.rows})
        if log.rows:
            self._save_checkpoint(job, training, log.rows[-1])

    def _state(self, job: Document) -> Path:
        return self._adapters / str(job["id"]) / "state"

    def _folder(self, job: Document, step: int) -> Path:
        return self._adapters / str(job["id"]) / f"step-{step}"

    def _register(self, job: Document, name: str, folder: Path) -> None:
        adapter = folder.relative_to(self._adapters).as_posix()
        created_at, calls = self._clock.seconds(), job["_calls"]
        self._registry.add(name, job["model"], job["id"], adapter, created_at, calls)

    def _succeed(
        self, job: Document, training: "Training[Any]", billed: int, log: TrainingLog
    ) -> None:
        """The last events in the service's order (S-FT), and the status after them."""
        name = _tuned_name(job)
        self._register(job, name, self._folder(job, training.steps))
        results = self._files.add_results(log.csv())
        for message in (
            "Job succeeded.",
            "Model Evaluation Passed.",
            f"Completed results file: {results}",
            f"Training tokens billed: {billed}",
        ):
            self._queue.add_event(job["id"], message)
        self._queue.finish(
            job["id"],
            "succeeded",
            fine_tuned_model=name,
            result_files=[results],
            trained_tokens=billed,
        )
        self._remove_state(job)

    def _remove_state(self, job: Document) -> None:
        shutil.rmtree(self._state(job), ignore_errors=True)


def _tuned_name(job: Document, with_suffix: bool = True) -> str:
    """<base with date>.ft-<hex of the job>[-<suffix>] (S-FT), also of a model tuned again."""
    root = job["model"].partition(".ft-")[0]
    name = f"{root}.ft-{job['id'].removeprefix('ftjob-')}"
    return f"{name}-{job['suffix']}" if with_suffix and "suffix" in job else name


def _require_pictures(model: str) -> None:
    """Raises DatasetError for a model that is not trained on images: S-DOC names those that are;
    what the service says to the others is [inferred]."""
    base = base_of(model)
    if base is None or not base.trained_on_images:
        raise DatasetError(
            "The job failed due to an invalid training file. The file contains images, which"
            f" fine-tuning of {model} does not support."
        )
