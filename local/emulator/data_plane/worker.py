"""Gives fine-tuning jobs from the queue to threads, usually one at a time. Knows no training."""

import threading
import time

from ..core.context import Component, Context
from .job_queue import JobQueue
from .job_runner import JobRunner

POLL_SECONDS = 0.1  # between looks for a new job


class Worker(Component):
    def __init__(self, context: Context, queue: JobQueue, runner: JobRunner) -> None:
        super().__init__(context)
        self._queue, self._runner = queue, runner
        # Daemons: a thread inside torch cannot be interrupted, and must not delay the exit.
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        self._queue.requeue_interrupted()
        self._dispatcher.start()

    def stop(self, seconds: float) -> None:
        """Waits so long for all threads together."""
        self._runner.stopping.set()
        deadline = time.monotonic() + seconds
        for thread in (self._dispatcher, *self.threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _dispatch(self) -> None:
        while not self._runner.stopping.wait(POLL_SECONDS):
            self.threads = [thread for thread in self.threads if thread.is_alive()]
            while len(self.threads) < max(1, self._settings.current.training_at_once):
                job = self._queue.take_next()
                if job is None:
                    break
                thread = threading.Thread(target=self._runner.run, args=(job,), daemon=True)
                self.threads.append(thread)
                thread.start()
