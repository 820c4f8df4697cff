"""Asks models the examples of a comparison: a share at a time, within what their deployments take.

A call that fails is one of three things. The deployment takes no more for now (429): that is
waited for and counts as nothing. Something is wrong with the service: the call is tried again, and
after some tries it is kept as failed, if the deployment answers anything else. The request itself
is refused: it is kept as failed at once.
The first call of a deployment is sent alone, until it is answered or is being answered: what takes
no call is not asked a hundred times.
Every answer is kept before its place is taken by the next call. Knows calls, not who is better.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.dataset.findings.quoting import shorten
from shared.errors import Denied, Refused, ServiceError, Throttled, Unavailable
from shared.model.deployment import PROBE
from shared.model.evaluation import Answer, Example, answer_of
from shared.run.contestants import Contestant
from shared.run.context import Context
from shared.run.transcript import Question, Transcript

TOKENS_OF_A_CALL = 1_000  # a minute: a unit of capacity is so many
REQUEST_REFUSED = {400, 413, 422}  # by what is asked, not by whom
LONGEST_REASON = 300  # characters


def questions(examples: Sequence[Example], most: int) -> list[Question]:
    """What is asked of every contestant alike: nothing is left to chance, and no answer has more
    than `most` tokens."""
    return [
        Question.of(e.line, {**e.request, "temperature": 0, "max_completion_tokens": most})
        for e in examples
    ]


@dataclass(frozen=True, slots=True)
class Share:
    """`answered`: calls that are over and kept; `missing`: what is still to be asked. `obstacle`:
    what is in the way of all of it, and is so for the shortest time."""

    answered: int
    missing: int
    obstacle: ServiceError | None = None


async def ask(
    contestants: Sequence[Contestant],
    asked: Sequence[Question],
    transcript: Transcript,
    ctx: Context,
) -> Share:
    """What a tick may do of it. Raises what keeping an answer raises."""
    seconds = ctx.policy.compare_share
    if ctx.until is not None:
        seconds = min(seconds, max(ctx.until - ctx.uptime(), 0.0))
    end = ctx.now() + timedelta(seconds=seconds)
    desks = [_Desk(one, asked, transcript, ctx, end) for one in contestants]
    async with asyncio.TaskGroup() as group:
        for desk in desks:  # each one's calls before the next one's: an emulator has one queue
            group.create_task(desk.serve())
            await desk.under_way.wait()
    if broken := next((desk.broken for desk in desks if desk.broken), None):
        raise broken
    left = [desk for desk in desks if desk.missing]
    obstacles = [desk.obstacle for desk in left if desk.obstacle]
    return Share(
        sum(desk.answered for desk in desks),
        sum(desk.missing for desk in left),
        min(obstacles, key=_pause) if left and len(obstacles) == len(left) else None,
    )


def _pause(error: ServiceError) -> float:
    return (error.retry_after or 0.0) if isinstance(error, Unavailable) else 0.0


class _Desk:
    """One contestant in one share."""

    def __init__(
        self,
        contestant: Contestant,
        asked: Sequence[Question],
        transcript: Transcript,
        ctx: Context,
        end: datetime,
    ) -> None:
        self.contestant, self.transcript, self.ctx, self.end = contestant, transcript, ctx, end
        model, known = contestant.model, transcript.answers
        left = [question for question in asked if (model, question.digest) not in known]
        # By chance, the same for all: of what is asked before time is over, most is in pairs.
        left.sort(key=lambda one: (transcript.tries[model, one.digest], one.digest))
        self.queue = deque(left)
        self.missing, self.answered, self.calls = len(left), 0, contestant.calls
        self.tokens = contestant.calls * TOKENS_OF_A_CALL
        self.failed_in_a_row = self.throttled = self.working = 0
        self.obstacle: ServiceError | None = None
        self.broken: Exception | None = None
        self.reached = self.closed = False
        self.under_way = asyncio.Event()

    async def serve(self) -> None:
        rest = self.ctx.pauses.get(self.contestant.deployment, self.end) - self.ctx.now()
        if self.contestant.deployment in self.ctx.pauses and rest > timedelta(0):
            self.obstacle = _no_more(self.contestant, rest.total_seconds())
            self.under_way.set()
            return
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self._first())
            await asyncio.wait({first}, timeout=self.ctx.policy.compare_alone)
            for _ in range(min(self.ctx.policy.compare_at_once, self.calls, len(self.queue))):
                group.create_task(self._work())
            await asyncio.sleep(0)  # their calls are sent
            self.under_way.set()

    async def _first(self) -> None:
        while not self.reached and (question := self._next()):
            await self._ask(question)

    async def _work(self) -> None:
        self.working += 1
        try:
            while question := self._next():
                await self._ask(question)
                if self.throttled and self.working > 1:
                    return  # one alone goes on
        finally:
            self.working -= 1

    def _next(self) -> Question | None:
        if self.closed or self.ctx.now() >= self.end or not self.queue:
            return None
        if not self.calls or self.tokens <= 0:
            return None
        question = self.queue.popleft()
        self.calls, self.tokens = self.calls - 1, self.tokens - question.tokens
        return question

    async def _ask(self, question: Question) -> None:
        """What goes wrong with anything but the call ends the share, once all calls are over."""
        try:
            await self._call(question)
        except Exception as error:  # noqa: BLE001 - it is raised by `ask`
            self.broken, self.closed = error, True

    async def _call(self, question: Question) -> None:
        began = self.ctx.now()
        try:
            body = await self.ctx.clients.finetuning.complete(
                self.contestant.deployment, question.body
            )
        except ServiceError as error:
            await self._failed(question, error)
            return
        seconds = (self.ctx.now() - began).total_seconds()
        self.failed_in_a_row, self.obstacle, self.reached = 0, None, True
        await self._keep(question, answer_of(body, seconds))

    async def _failed(self, question: Question, error: ServiceError) -> None:
        if isinstance(error, Refused) and error.status in REQUEST_REFUSED:
            self.reached = True
            await self._keep(question, Answer(failure=_reason(error)))
        elif isinstance(error, Throttled):
            self.queue.appendleft(question)
            await self._wait(question, error)
        elif isinstance(error, Denied | Refused):
            self._close(question, error)  # nothing of this deployment is answered
        else:
            await self._try_again(question, error)

    async def _wait(self, question: Question, error: Throttled) -> None:
        """Within the share, if that is long enough and this goes on."""
        policy = self.ctx.policy
        said = min(error.retry_after or policy.first_pause, policy.longest_retry_after)
        pause = max(said, policy.shortest_wait)
        self.throttled += 1
        self.calls, self.tokens = self.calls + 1, self.tokens + question.tokens
        self.obstacle = _no_more(self.contestant, pause)
        until = self.ctx.now() + timedelta(seconds=pause)
        self.ctx.pauses[self.contestant.deployment] = until
        if until >= self.end or self.throttled > policy.compare_tries:
            self.closed = True
        else:
            await self.ctx.sleep(pause)

    def _close(self, question: Question, error: ServiceError) -> None:
        self.queue.append(question)
        self.obstacle, self.closed = error, True

    async def _try_again(self, question: Question, error: ServiceError) -> None:
        model = self.contestant.model
        tries = await self.transcript.add_try(model, question, _reason(error), self.ctx)
        if tries >= self.ctx.policy.compare_tries and await self._answers():
            await self._keep(question, Answer(failure=_reason(error)))
        else:
            self.queue.append(question)
        self.obstacle = error
        self.failed_in_a_row += 1
        if self.failed_in_a_row >= self.ctx.policy.compare_tries:
            self.closed = True  # it is the service, not the question

    async def _answers(self) -> bool:
        """Whether it is the question: the deployment has answered the one before, or another."""
        if self.reached and not self.failed_in_a_row:
            return True
        try:
            await self.ctx.clients.finetuning.ask(self.contestant.deployment, PROBE)
        except ServiceError:
            return False
        return True

    async def _keep(self, question: Question, answer: Answer) -> None:
        await self.transcript.add(self.contestant.model, question, answer, self.ctx)
        self.answered += 1
        self.missing -= 1


def _reason(error: ServiceError) -> str:
    """As it is kept: who answered what. The service's own sentence may repeat the prompt."""
    told = f"{error.status} {error.code}".strip() if error.status else type(error).__name__
    return shorten(told, LONGEST_REASON)


def _no_more(contestant: Contestant, pause: float) -> Throttled:
    return Throttled(
        f"The deployment {contestant.deployment} takes no more calls for now (429).",
        "The comparison goes on by itself.",
        retry_after=pause,
        status=429,
    )
