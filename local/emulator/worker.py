"""Carries out fine-tuning jobs, each in a thread of its own, usually one at a time.

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

from . import memory
from .dataset import DatasetError, read_examples, read_pairs, require_enough
from .diary import Diary
from .files import Files
from .job_queue import Queue
from .job_request import echoed_method
from .language import Language
from .models import Models
from .room import Common, Room
from .store import Document

if TYPE_CHECKING:  # torch takes seconds to import and must not delay the start of the server
    from .training import Epoch, Training

LOOK_EVERY = 0.1  # seconds between looks for a new job
# Seconds between two savings of a training's state, from which a restart goes on.
SAVE_EVERY = 5.0
T = TypeVar("T")
# Both wordings S-DOC; that the code of both is contentFilter is [inferred].
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


class Worker(Room):
    def __init__(
        self, common: Common, queue: Queue, files: Files, models: Models, language: Language
    ) -> None:
        super().__init__(common)
        self._queue, self._files, self._models = queue, files, models
        self._language, self._adapters = language, language.adapters
        self._stopping = threading.Event()
        # Daemons: a thread inside torch cannot be interrupted, and must not hold up the exit.
        self._chief = threading.Thread(target=self._distribute, name="worker", daemon=True)
        self._hands: list[threading.Thread] = []
        self._saved_at: dict[str, float] = {}

    def start(self) -> None:
        self._queue.requeue_interrupted()
        self._chief.start()

    def stop(self, patience: float) -> None:
        self._stopping.set()
        for thread in (self._chief, *self._hands):
            thread.join(patience)

    def _distribute(self) -> None:
        while not self._stopping.wait(LOOK_EVERY):
            self._hands = [thread for thread in self._hands if thread.is_alive()]
            while len(self._hands) < max(1, self._switches.now.training_at_once):
                job = self._queue.take_next()
                if job is None:
                    break
                thread = threading.Thread(target=self._carry_out, args=(job,), daemon=True)
                self._hands.append(thread)
                thread.start()

    # ---- one job -----------------------------------------------------------------------------

    def _carry_out(self, job: Document) -> None:
        """One job to its end; whatever goes wrong ends the job and never the worker."""
        try:
            self._train(job)
        except (DatasetError, Failed) as error:
            self._fail(job, error.code, str(error))
        except Paused:
            self._queue.say(job["id"], "Job paused.")  # wording [inferred]
            self._queue.update(job["id"], status="paused")
        except Stopped:
            # If the whole emulator stops, the job stays "running" and the next start queues it.
            if not self._stopping.is_set():
                self._queue.say(job["id"], "Job cancelled.")  # wording [inferred]
                self._queue.finish(job["id"], "cancelled")
                self._forget_state(job)
        except Exception as error:  # noqa: BLE001
            if not self._stopping.is_set():  # otherwise the database is gone, and nothing is lost
                traceback.print_exc(file=sys.stderr)
                self._fail(job, "internalFailure", f"The emulator failed: {error}")
        finally:
            gc.collect()  # module trees point at themselves and would keep an optimizer's memory
            memory.give_back()

    def _fail(self, job: Document, code: str, message: str) -> None:
        self._queue.say(job["id"], message, level="error")
        self._queue.finish(
            job["id"], "failed", error={"code": code, "message": message, "param": None}
        )
        self._forget_state(job)

    def _train(self, job: Document) -> None:
        self._queue.say(job["id"], "Job started.")
        if job["_fault"] == "job-unsafe-data":
            raise Failed("contentFilter", UNSAFE_DATA)
        training, billed = self._prepare(job)
        diary = Diary(self._queue, self._clock, job["id"])
        saved = training.restore(self._state(job))
        diary.rows = saved["rows"] if saved else []
        from .training import Step

        try:
            for report in training:
                if isinstance(report, Step):
                    diary.step(report)
                    if job["_fault"] == "job-failed" and report.number * 2 >= report.total:
                        raise Failed("internalFailure", "The job failed. Please try again.")
                else:
                    self._checkpoint(job, training, report, diary)
        except Paused:
            self._keep_pause(job, training, diary)
            raise
        if job["_fault"] == "job-unsafe-model":
            raise Failed("contentFilter", UNSAFE_MODEL)
        self._succeed(job, training, billed, diary)

    def _prepare(self, job: Document) -> "tuple[Training[Any], int]":
        """The training of a job, with nothing learned yet, and the tokens to be billed for it."""
        method = job["method"]["type"] if "method" in job else "supervised"
        read: Callable[[Any], list[Any]] = read_pairs if method == "dpo" else read_examples
        examples = self._read(job["training_file"], read)
        require_enough(examples)
        held_out = self._read(job["validation_file"], read) if "validation_file" in job else []
        base = self._language.trainable()
        from . import preference, training
        from .encoding import encode_all

        def check() -> None:
            self._check(job)

        wanted = dict(job["_wanted"])
        beta = wanted.pop("beta", preference.DEFAULT_BETA)
        multiplier = wanted.pop("l2_multiplier", 0.0)
        asked = training.Hyperparameters(**wanted)
        rate = preference.PEAK_RATE if method == "dpo" else training.PEAK_RATE
        plan = training.make_plan(asked, job["seed"], len(examples), rate)
        resolved = {
            "batch_size": plan.batch_size,
            "learning_rate_multiplier": plan.learning_rate_multiplier,
            "n_epochs": plan.n_epochs,
        }
        self._announce(job, method, resolved, {"beta": beta, "l2_multiplier": multiplier})
        parent = self._adapters / job["_parent"] if job["_parent"] else None
        tuned = training.add_lora(base.model, plan.seed, parent)
        if method == "dpo":
            both = [preference.encode_pairs(base.tokenizer, part) for part in (examples, held_out)]
            pairs, valid_pairs = (preference.judge(tuned, part, check) for part in both)
            tokens = sum(len(p.preferred.ids) + len(p.rejected.ids) for p in pairs)
            loss = preference.preference_loss(beta)
            run: Any = training.Training(tuned, pairs, valid_pairs, plan, loss, check)
        else:
            train_set, valid_set = (
                encode_all(base.tokenizer, part) for part in (examples, held_out)
            )
            tokens = sum(len(example.ids) for example in train_set)
            run = training.Training(tuned, train_set, valid_set, plan, training.batch_loss, check)
        return run, tokens * plan.n_epochs

    def _check(self, job: Document) -> None:
        if self._stopping.is_set() or self._queue.wants_cancel(job["id"]):
            raise Stopped
        if self._queue.wants_pause(job["id"]):
            raise Paused

    def _read(self, file_id: str, read: Callable[[Any], list[T]]) -> list[T]:
        try:
            with self._files.path(file_id).open("rb") as lines:
                return read(lines)
        except FileNotFoundError as error:  # deleted while the job was waiting
            raise DatasetError(f"The file {file_id} no longer exists.") from error

    def _announce(
        self, job: Document, method: str, resolved: dict[str, Any], of_dpo: dict[str, Any]
    ) -> None:
        """What "auto" turned out to be, in both places where a job may show it."""
        self._queue.update(job["id"], hyperparameters=resolved)
        if "method" in job:
            self._queue.update(job["id"], method=echoed_method(method, resolved | of_dpo))

    # ---- what a training leaves behind -------------------------------------------------------

    def _checkpoint(
        self, job: Document, training: "Training[Any]", epoch: "Epoch", diary: Diary
    ) -> None:
        self._save_checkpoint(job, training, diary.epoch(epoch))
        if time.monotonic() - self._saved_at.get(job["id"], 0) > SAVE_EVERY:
            training.save(self._state(job), {"rows": diary.rows})
            self._saved_at[job["id"]] = time.monotonic()

    def _save_checkpoint(
        self, job: Document, training: "Training[Any]", metrics: dict[str, Any]
    ) -> None:
        folder = self._folder(job, training.steps)
        training.save_adapter(folder)
        name = f"{_tuned_name(job, with_suffix=False)}:ckpt-step-{training.steps}"  # S-AUTH
        self._register(job, name, folder)
        self._queue.add_checkpoint(job["id"], name, metrics)

    def _keep_pause(self, job: Document, training: "Training[Any]", diary: Diary) -> None:
        """A paused job can go on, and what it has learned can be deployed (S-DOC)."""
        training.save(self._state(job), {"rows": diary.rows})
        if diary.rows:
            self._save_checkpoint(job, training, diary.rows[-1])

    def _state(self, job: Document) -> Path:
        return self._adapters / str(job["id"]) / "state"

    def _folder(self, job: Document, step: int) -> Path:
        return self._adapters / str(job["id"]) / f"step-{step}"

    def _register(self, job: Document, name: str, folder: Path) -> None:
        adapter = folder.relative_to(self._adapters).as_posix()
        self._models.add(name, job["model"], job["id"], adapter, self._clock.seconds())

    def _succeed(self, job: Document, training: "Training[Any]", billed: int, diary: Diary) -> None:
        """The last words in the service's order (S-FT), and the status after them."""
        name = _tuned_name(job)
        self._register(job, name, self._folder(job, training.steps))
        results = self._files.keep_results(diary.csv())
        for message in (
            "Job succeeded.",
            "Model Evaluation Passed.",
            f"Completed results file: {results}",
            f"Training tokens billed: {billed}",
        ):
            self._queue.say(job["id"], message)
        self._queue.finish(
            job["id"],
            "succeeded",
            fine_tuned_model=name,
            result_files=[results],
            trained_tokens=billed,
        )
        self._forget_state(job)

    def _forget_state(self, job: Document) -> None:
        shutil.rmtree(self._state(job), ignore_errors=True)


def _tuned_name(job: Document, with_suffix: bool = True) -> str:
    """<base with date>.ft-<hex of the job>[-<suffix>] (S-FT), also of a model tuned again."""
    root = job["model"].partition(".ft-")[0]
    name = f"{root}.ft-{job['id'].removeprefix('ftjob-')}"
    return f"{name}-{job['suffix']}" if with_suffix and "suffix" in job else name
