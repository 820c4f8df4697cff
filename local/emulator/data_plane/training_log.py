"""What a training reports: metric events, results.csv, and the estimated end.

Between the loop's numbers and the job that the API shows; knows neither torch nor HTTP.
"""

import csv
import io
from typing import TYPE_CHECKING, Any

from ..core.clock import Clock
from .job_queue import JobQueue

if TYPE_CHECKING:  # torch takes seconds to import and must not delay the start of the server
    from ..language.loss import Score
    from ..language.training import Epoch, Step

# Every step of a small job is reported; of a longer one every tenth, as the service does (S-FT).
REPORT_ALL_UP_TO, REPORT_EVERY = 200, 10

# S-DOC; the column with "validation" in its name is really called so.
RESULT_COLUMNS = {
    "step": "step",
    "train_loss": "train_loss",
    "train_mean_token_accuracy": "train_mean_token_accuracy",
    "valid_loss": "valid_loss",
    "valid_mean_token_accuracy": "validation_mean_token_accuracy",
    "full_valid_loss": "full_valid_loss",
    "full_valid_mean_token_accuracy": "full_valid_mean_token_accuracy",
}


class TrainingLog:
    def __init__(self, queue: JobQueue, clock: Clock, job_id: str) -> None:
        self._queue, self._clock, self._job_id = queue, clock, job_id
        self._started, self._steps = clock.now(), 0
        self.rows: list[dict[str, Any]] = []

    def step(self, step: "Step") -> None:
        metrics: dict[str, Any] = {"step": step.number} | _metrics("train", step.train)
        self.rows.append(metrics)
        self._steps += 1
        every = 1 if step.total <= REPORT_ALL_UP_TO else REPORT_EVERY
        if step.number % every and step.number not in (1, step.total):
            return
        # The keys of `data` are [inferred] from results.csv and from OpenAI's own events.
        message = f"Step {step.number}: training loss={metrics['train_loss']}"
        pace = max(0.0, self._clock.now() - self._started) / self._steps
        finish = self._clock.now() + pace * (step.total - step.number)
        self._queue.update(self._job_id, estimated_finish=int(finish) + 1, _steps=step.number)
        # Last: whoever has read of a step may ask for a pause, which wants one in the job.
        self._queue.add_event(self._job_id, message, data={**metrics, "total_steps": step.total})

    def epoch(self, epoch: "Epoch") -> dict[str, Any]:
        """Adds the validation scores to the last step; returns all metrics of that step."""
        metrics = self.rows[-1]
        if epoch.valid and epoch.full_valid:
            metrics |= _metrics("valid", epoch.valid) | _metrics("full_valid", epoch.full_valid)
        return metrics

    def csv(self) -> bytes:
        """results.csv; validation cells are empty on steps without one ([inferred] from OpenAI)."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(RESULT_COLUMNS.values())
        writer.writerows([row.get(key, "") for key in RESULT_COLUMNS] for row in self.rows)
        return text.getvalue().encode()


def _metrics(prefix: str, score: "Score") -> dict[str, float]:
    return {
        f"{prefix}_loss": round(score.mean_loss, 6),
        f"{prefix}_mean_token_accuracy": round(score.accuracy, 6),
    }
