"""Carries out fine-tuning jobs, one after the other, in a thread of its own.

The bridge between the jobs that the API shows and the training that torch does; knows no HTTP.
"""

import csv
import io
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .clock import Clock
from .dataset import DatasetError, Example, read_examples, require_enough
from .files import Files
from .job_request import UNRESOLVED
from .jobs import Jobs
from .language import Language
from .models import Models
from .store import Document

if TYPE_CHECKING:  # torch takes seconds to import and must not delay the start of the server
    from .training import Epoch, Plan, Score, Step

LOOK_EVERY = 0.1  # seconds between looks for a new job
# Every step of a small job is reported; of a longer one every tenth, as the service does (S-FT).
REPORT_ALL_UP_TO, REPORT_EVERY = 200, 10

# S-DOC; the column with "validation" in its name is not a slip of ours.
RESULT_COLUMNS = {
    "step": "step",
    "train_loss": "train_loss",
    "train_mean_token_accuracy": "train_mean_token_accuracy",
    "valid_loss": "valid_loss",
    "valid_mean_token_accuracy": "validation_mean_token_accuracy",
    "full_valid_loss": "full_valid_loss",
    "full_valid_mean_token_accuracy": "full_valid_mean_token_accuracy",
}


class Stopped(Exception):
    """The job is cancelled, or the whole emulator stops."""


class Worker:
    def __init__(
        self,
        jobs: Jobs,
        files: Files,
        models: Models,
        language: Language,
        clock: Clock,
        adapters: Path,
    ) -> None:
        self._jobs, self._files, self._models = jobs, files, models
        self._language, self._clock, self._adapters = language, clock, adapters
        self._stopping = threading.Event()
        # A daemon: a thread inside torch cannot be interrupted, and must not hold up the exit.
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)

    def start(self) -> None:
        self._jobs.requeue_interrupted()
        self._thread.start()

    def stop(self, patience: float) -> None:
        self._stopping.set()
        self._thread.join(patience)

    def _work(self) -> None:
        # Before the first job: until the model is there, jobs wait in the queue.
        self._language.wait()
        while not self._stopping.wait(LOOK_EVERY):
            while job := self._jobs.take_next():
                self._carry_out(job)
                if self._stopping.is_set():
                    return

    def _carry_out(self, job: Document) -> None:
        """One job to its end; whatever goes wrong ends the job and never the worker."""
        try:
            self._train(job)
        except DatasetError as error:
            self._fail(job, error.code, str(error))
        except Stopped:
            # If the whole emulator stops, the job stays "running" and the next start queues it.
            if not self._stopping.is_set():
                self._jobs.add_event(job["id"], "Job cancelled.")  # wording [inferred]
                self._jobs.finish(job["id"], "cancelled")
        except Exception as error:  # noqa: BLE001
            traceback.print_exc(file=sys.stderr)
            self._fail(job, "internalFailure", f"The emulator failed: {error}")

    def _fail(self, job: Document, code: str, message: str) -> None:
        self._jobs.add_event(job["id"], message, level="error")
        self._jobs.finish(
            job["id"], "failed", error={"code": code, "message": message, "param": None}
        )

    def _train(self, job: Document) -> None:
        self._jobs.add_event(job["id"], "Job started.")
        examples = self._read(job["training_file"])
        require_enough(examples)
        held_out = self._read(job["validation_file"]) if "validation_file" in job else []
        base = self._language.trainable()
        from . import training

        train_set = training.encode_all(base.tokenizer, examples)
        valid_set = training.encode_all(base.tokenizer, held_out)
        wanted = {k: v for k, v in job["hyperparameters"].items() if v != UNRESOLVED}
        plan = training.make_plan(training.Hyperparameters(**wanted), job["seed"], len(examples))
        self._announce(job, plan)
        diary = Diary(self._jobs, self._clock, job["id"])
        reports = training.train(base.model, train_set, valid_set, plan, lambda: self._check(job))
        for report in reports:
            if isinstance(report, training.Step):
                diary.step(report)
            else:
                self._checkpoint(job, report, diary.epoch(report))
        billed = sum(len(example.ids) for example in train_set) * plan.n_epochs
        self._succeed(job, plan.total_steps, billed, diary)

    def _check(self, job: Document) -> None:
        if self._stopping.is_set() or self._jobs.wants_cancel(job["id"]):
            raise Stopped

    def _read(self, file_id: str) -> list[Example]:
        try:
            with self._files.path(file_id).open("rb") as lines:
                return read_examples(lines)
        except FileNotFoundError as error:  # deleted while the job was waiting
            raise DatasetError(f"The file {file_id} no longer exists.") from error

    def _announce(self, job: Document, plan: "Plan") -> None:
        """What "auto" turned out to be, in both places where a job may show it."""
        resolved = {
            "batch_size": plan.batch_size,
            "learning_rate_multiplier": plan.learning_rate_multiplier,
            "n_epochs": plan.n_epochs,
        }
        self._jobs.update(job["id"], hyperparameters=resolved)
        if "method" in job:
            kind = job["method"]["type"]
            method = {"type": kind, kind: {"hyperparameters": resolved}}
            self._jobs.update(job["id"], method=method)

    def _folder(self, job: Document, step: int) -> Path:
        return self._adapters / str(job["id"]) / f"step-{step}"

    def _checkpoint(self, job: Document, epoch: "Epoch", metrics: dict[str, Any]) -> None:
        step = epoch.step.number
        folder = self._folder(job, step)
        epoch.save(folder)
        name = f"{_tuned_name(job, with_suffix=False)}:ckpt-step-{step}"  # S-AUTH
        self._register(job, name, folder)
        self._jobs.add_checkpoint(job["id"], name, metrics)

    def _register(self, job: Document, name: str, folder: Path) -> None:
        adapter = folder.relative_to(self._adapters).as_posix()
        self._models.add(name, job["model"], job["id"], adapter, self._clock.seconds())

    def _succeed(self, job: Document, last_step: int, billed: int, diary: "Diary") -> None:
        """The last words in the service's order (S-FT), and the status after them."""
        name = _tuned_name(job)
        self._register(job, name, self._folder(job, last_step))
        results = self._files.keep("results.csv", "fine-tune-results", diary.csv(), ready=True)
        for message in (
            "Job succeeded.",
            "Model Evaluation Passed.",
            f"Completed results file: {results['id']}",
            f"Training tokens billed: {billed}",
        ):
            self._jobs.add_event(job["id"], message)
        self._jobs.finish(
            job["id"],
            "succeeded",
            fine_tuned_model=name,
            result_files=[results["id"]],
            trained_tokens=billed,
        )


def _tuned_name(job: Document, with_suffix: bool = True) -> str:
    """<base with date>.ft-<hex of the job>[-<suffix>] (S-FT)."""
    name = f"{job['model']}.ft-{job['id'].removeprefix('ftjob-')}"
    return f"{name}-{job['suffix']}" if with_suffix and "suffix" in job else name


class Diary:
    """What a training says of itself: metric events, results.csv, and when it will be done."""

    def __init__(self, jobs: Jobs, clock: Clock, job_id: str) -> None:
        self._jobs, self._clock, self._job_id = jobs, clock, job_id
        self._started = clock.now()
        self._rows: list[dict[str, Any]] = []

    def step(self, step: "Step") -> None:
        metrics: dict[str, Any] = {"step": step.number} | _metrics("train", step.train)
        self._rows.append(metrics)
        every = 1 if step.total <= REPORT_ALL_UP_TO else REPORT_EVERY
        if step.number % every and step.number != step.total:
            return
        # The keys of `data` are [inferred] from results.csv and from OpenAI's own events.
        message = f"Step {step.number}: training loss={metrics['train_loss']}"
        self._jobs.add_event(self._job_id, message, data={**metrics, "total_steps": step.total})
        pace = (self._clock.now() - self._started) / step.number
        finish = self._clock.now() + pace * (step.total - step.number)
        self._jobs.update(self._job_id, estimated_finish=int(finish) + 1)

    def epoch(self, epoch: "Epoch") -> dict[str, Any]:
        """Adds what validation measured to the last step; gives all metrics of that step."""
        metrics = self._rows[-1]
        if epoch.valid and epoch.full_valid:
            metrics |= _metrics("valid", epoch.valid) | _metrics("full_valid", epoch.full_valid)
        return metrics

    def csv(self) -> io.BytesIO:
        """results.csv; validation cells are empty on steps without one ([inferred] from OpenAI)."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(RESULT_COLUMNS.values())
        writer.writerows([row.get(key, "") for key in RESULT_COLUMNS] for row in self._rows)
        return io.BytesIO(text.getvalue().encode())


def _metrics(prefix: str, score: "Score") -> dict[str, float]:
    return {
        f"{prefix}_loss": round(score.mean_loss, 6),
        f"{prefix}_mean_token_accuracy": round(score.accuracy, 6),
    }
