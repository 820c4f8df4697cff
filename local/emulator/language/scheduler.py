"""Whose turn it is: one thread generates all answers, a token of each at a time.

Answers join and leave between two steps. Knows no torch, no tokens and no HTTP: how a step is made
is given to it.

Short answers do not wait for long ones, which may take only half of the places, and all wait in the
order in which they came. A training is not waited for, and does not wait: it is a thread of its
own, and the system shares the cores between the two.
"""

import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .answer_queue import AnswerQueue
from .generation import GenerationFailed, GenerationRequest, Overloaded, Piece, Stopping

LONG_TOKENS = 1024  # from here on an answer, with its prompt, is long
# Of the long ones together, so that their memory is limited; a longer one is taken alone.
LONG_TOKENS_AT_ONCE = 4096
# Of adapted models: each is a pass of its own.
MODELS_AT_ONCE = 4
PROMPT_TOKENS_PER_STEP = 256
STOP_SECONDS = 2.0


@dataclass(eq=False)
class Answer:
    """One answer, from its request to its end; `state` is there while it is generated."""

    request: GenerationRequest
    queue: AnswerQueue
    choice: int
    number: int  # in order of arrival
    state: Any = None

    @property
    def wanted(self) -> bool:
        return self.queue.wants(self.choice)

    @property
    def is_long(self) -> bool:
        return self.request.size > LONG_TOKENS


@dataclass(frozen=True)
class Steps:
    """What the model does. `begin`: an answer's state, from its request. `read`: takes in a part of
    the prompt; how many tokens it had, and the logits once all is read. `advance`: the next logits
    of answers of one model. `draw`: a token from logits, or None at the end of the answer. A state
    says by `reading` and `finished` how far it is."""

    begin: Callable[[GenerationRequest], Any]
    read: Callable[[Any], tuple[int, Any]]
    advance: Callable[[Sequence[Any]], Sequence[Any]]
    draw: Callable[[Any, Any], Piece | None]


class Scheduler:
    """`places`: how many answers are generated at a time."""

    def __init__(self, steps: Steps, places: int) -> None:
        self._steps, self._places = steps, places
        self._changed = threading.Condition()
        self._short: deque[Answer] = deque()
        self._long: deque[Answer] = deque()
        self._running: list[Answer] = []
        self._arrived = 0
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()

    # ---- for everybody -----------------------------------------------------------------------

    def submit(self, requests: Sequence[GenerationRequest], queue: AnswerQueue, limit: int) -> None:
        """One choice for each request. Raises Overloaded beyond so many answers at a time."""
        with self._changed:
            if self.stopping.is_set():
                raise Stopping("The emulator is stopping.")
            self._forget_unwanted()
            if self._held() + len(requests) > limit:
                raise Overloaded
            for choice, request in enumerate(requests):
                self._arrived += 1
                answer = Answer(request, queue, choice, self._arrived)
                (self._long if answer.is_long else self._short).append(answer)
            self._start_thread()
            self._changed.notify()

    def load(self) -> dict[str, int]:
        """How many answers are being generated, and how many wait for that."""
        with self._changed:
            self._forget_unwanted()
            return {"generating": len(self._running), "waiting": self._held() - len(self._running)}

    def stop(self) -> None:
        """Refuses what waits, ends what is being generated, and ends the thread."""
        self.stopping.set()
        with self._changed:
            self._changed.notify()
        if self._thread:
            self._thread.join(STOP_SECONDS)

    # ---- the thread --------------------------------------------------------------------------

    def _start_thread(self) -> None:
        if self._thread is None:
            # A daemon: a thread inside torch cannot be interrupted, and must not delay the exit.
            self._thread = threading.Thread(target=self._work, name="generate", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self.stopping.is_set():
            with self._changed:
                self._forget_unwanted()
                self._admit()
                if not self._running:
                    self._changed.wait()
                    continue
            try:
                self._step()
            except Exception as error:  # noqa: BLE001 - whatever it is, others come after these
                self._fail(self._running, error)
        self._refuse_all()

    def _step(self) -> None:
        reading = [
            answer for answer in self._running if answer.state is None or answer.state.reading
        ]
        ready = [answer for answer in self._running if answer not in reading]
        for adapter in dict.fromkeys(answer.request.adapter for answer in ready):
            self._advance([answer for answer in ready if answer.request.adapter == adapter])
        tokens = 0
        for answer in reading:
            if tokens < PROMPT_TOKENS_PER_STEP:
                tokens += self._read(answer)

    def _read(self, answer: Answer) -> int:
        """The next part of an answer's prompt, and its first token after the last part."""
        try:
            if answer.state is None:
                answer.state = self._steps.begin(answer.request)
            tokens, logits = self._steps.read(answer.state)
        except Exception as error:  # noqa: BLE001 - of this answer alone
            self._fail([answer], error)
            return 0
        if logits is not None:
            self._draw(answer, logits)
        return tokens

    def _advance(self, answers: list[Answer]) -> None:
        try:
            every = self._steps.advance([answer.state for answer in answers])
        except Exception as error:  # noqa: BLE001 - of the answers in this batch
            self._fail(answers, error)
            return
        for answer, logits in zip(answers, every, strict=True):
            self._draw(answer, logits)

    def _draw(self, answer: Answer, logits: Any) -> None:
        try:
            piece = self._steps.draw(answer.state, logits)
            if piece is not None:
                answer.queue.put(answer.choice, piece)
            if piece is None or answer.state.finished:
                answer.queue.put(answer.choice, None)
        except Exception as error:  # noqa: BLE001 - of this answer alone
            self._fail([answer], error)

    def _fail(self, answers: Sequence[Answer], error: Exception) -> None:
        """The traceback goes to the output, the answer tells only that it was so."""
        traceback.print_exception(error, file=sys.stderr)
        for answer in answers:
            answer.queue.fail(GenerationFailed("The emulator failed; see its output."))

    def _refuse_all(self) -> None:
        with self._changed:
            for answer in (*self._running, *self._short, *self._long):
                answer.queue.fail(Stopping("The emulator is stopping."))
            self._forget_unwanted()

    # ---- who is next -------------------------------------------------------------------------

    def _held(self) -> int:
        return len(self._running) + len(self._short) + len(self._long)

    def _forget_unwanted(self) -> None:
        """Their places and their memory are free from now on."""
        self._running = [answer for answer in self._running if answer.wanted]
        self._short = deque(answer for answer in self._short if answer.wanted)
        self._long = deque(answer for answer in self._long if answer.wanted)

    def _admit(self) -> None:
        while len(self._running) < self._places:
            heads = [line[0] for line in (self._short, self._long) if line]
            fitting = [answer for answer in heads if self._fits(answer)]
            if not fitting:
                return
            first = min(fitting, key=lambda answer: answer.number)
            (self._long if first.is_long else self._short).popleft()
            self._running.append(first)

    def _fits(self, answer: Answer) -> bool:
        models = {one.request.adapter for one in self._running} | {answer.request.adapter}
        if len(models) > MODELS_AT_ONCE:
            return False
        if not answer.is_long:
            return True
        sizes = [one.request.size for one in self._running if one.is_long]
        if not sizes:
            return True
        fits = sum(sizes) + answer.request.size <= LONG_TOKENS_AT_ONCE
        return fits and len(sizes) < self._places // 2
