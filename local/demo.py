"""`dev.py demo`: what a user does, from the first drop to the first chat, by the same commands.

Drops and watches as the command line does, chats with the OpenAI SDK. It knows what anybody outside
of the app can know and nothing more.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.errors import StackError
from local.known import Stack
from local.options import ENV_FILE, demo
from local.stack import ROOT, ended, running
from local.up import how_to_use
from shared.dataset.checks.conversations import text_of
from shared.model.evaluation import Answer, answer_of, example_of
from shared.run.stages import DEPLOYED, ENDS
from tunedrop import following, watch
from tunedrop.app import App
from tunedrop.echo import safe
from tunedrop.errors import CommandError
from tunedrop.push import Datasets, blob_names, wait_for_run
from tunedrop.screen import Screen

EXAMPLES = ROOT / "examples"
MAX_WAIT_SECONDS = 20 * 60
POLL_SECONDS = 0.3
MAX_REGRESSIONS = 3  # that are shown


class DemoError(Exception):
    """One sentence on what went wrong and what to do about it."""


@dataclass
class Outcome:
    run: dict[str, Any]
    trained_now: bool
    question: str = ""
    base_answer: str = ""
    tuned_answer: str = ""
    verdict: dict[str, Any] | None = None


def main() -> int:
    options = demo().parse_args()
    screen = Screen(stderr=options.json)
    began = time.monotonic()
    try:
        example = chosen_example(options.model)
        with running(
            options.state,
            fresh=options.fresh,
            port=options.port,
            model=options.emulated,
            env_file=ENV_FILE,
            tell=lambda text: screen.print(f"· {text}", style="dim"),
        ) as stack:
            with ends_are_told(stack, options.state):
                outcome = play(stack, example, options.question, screen)
            if options.json:
                seconds = round(time.monotonic() - began, 1)
                print(json.dumps(as_json(outcome, stack, seconds), ensure_ascii=False))
            else:
                show(outcome, stack, options.state, screen)
    except (DemoError, StackError, CommandError) as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; run the same command to go on from here", file=sys.stderr)
        return 130
    return 0 if outcome.run["stage"] in DEPLOYED else 1


@contextmanager
def ends_are_told(stack: Stack, state: Path) -> Iterator[None]:
    """What fails because a part has ended is told as that. Raises StackError."""
    try:
        yield
    except Exception:
        if stack.dead:
            raise ended(stack.dead[0], state) from None
        raise


def play(stack: Stack, example: Path, question: str | None, screen: Screen) -> Outcome:
    """Drop, follow, ask."""
    app, datasets = App(stack.app_url, stack.function_key), Datasets.at(stack.storage, "datasets")
    files = blob_names([example], "")
    dropped = datasets.drop(files)
    screen.print(f"· dropped {example.relative_to(ROOT)} into the container datasets", style="dim")
    run = wait_for_run(app, datasets, files, dropped)
    outcome = Outcome(run, trained_now=run["stage"] not in ENDS)
    if outcome.trained_now:
        outcome.run = follow(stack, app, run["id"], screen)
    else:
        screen.print(f"· this very dataset was taken before, as run {run['id']}", style="dim")
    if outcome.run["stage"] == "serving":
        request = prompt(example, question)
        outcome.question = question_of(request)
        outcome.base_answer = ask(stack, stack.base_deployment, request)
        outcome.tuned_answer = ask(stack, example.name, request)
    outcome.verdict = verdict_of(outcome.run, app)
    return outcome


# ---- the user's steps


def chosen_example(name: str) -> Path:
    example = EXAMPLES / name
    if not (example / "training_set.jsonl").exists():
        known = ", ".join(sorted(p.parent.name for p in EXAMPLES.glob("*/training_set.jsonl")))
        raise DemoError(f"There is no examples/{name}/training_set.jsonl; there are: {known}.")
    return example


def follow(stack: Stack, app: App, run_id: str, screen: Screen) -> watch.Run:
    def looks() -> Iterator[watch.Run]:
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while time.monotonic() < deadline:
            if stack.dead:
                raise DemoError("A part of the stack has ended.")  # which one, `main` tells
            yield app.get(f"api/runs/{run_id}")
            time.sleep(POLL_SECONDS)
        raise DemoError(f"Run {run_id} did not end within {MAX_WAIT_SECONDS // 60} minutes.")

    return following.follow(looks(), screen)


def prompt(example: Path, question: str | None) -> dict[str, Any]:
    """The first validation example without its answer, which the model has never seen: messages,
    and tools where there are some. Another `question` is asked in the place of its own."""
    held_out = example / "validation_set.jsonl"
    source = held_out if held_out.exists() else example / "training_set.jsonl"
    line = source.read_text(encoding="utf-8").splitlines()[0]
    first = example_of(1, json.loads(line))
    if first is None:
        raise DemoError(f"Line 1 of {source} has no answer of the assistant: write one.")
    *before, last = first.request["messages"]
    return {**first.request, "messages": [*before, asked_otherwise(last, question)]}


def asked_otherwise(message: dict[str, Any], question: str | None) -> dict[str, Any]:
    """With its pictures, if it has some."""
    if question is None:
        return message
    if not isinstance(message["content"], list):
        return {"role": "user", "content": question}
    pictures = [part for part in message["content"] if part["type"] != "text"]
    return {"role": "user", "content": [{"type": "text", "text": question}, *pictures]}


def question_of(request: dict[str, Any]) -> str:
    content = request["messages"][-1]["content"]
    seen = isinstance(content, list) and any(part["type"] != "text" for part in content)
    return text_of(content) + " (with a picture)" * seen


def verdict_of(run: dict[str, Any], app: App) -> dict[str, Any] | None:
    """How its version compares; None for a run that was not compared."""
    try:
        return dict(app.get(f"api/runs/{run['id']}/verdict.json"))
    except CommandError:
        return None


def ask(stack: Stack, model: str, request: dict[str, Any]) -> str:
    """What the model says, and the functions that it calls."""
    from openai import OpenAI

    with OpenAI(base_url=f"{stack.app_url}/api/v1", api_key=stack.app_key) as client:
        answer = client.chat.completions.create(
            model=model, temperature=0, max_tokens=120, **request
        )
    return said(answer_of(answer.model_dump(), 0))


def said(answer: Answer) -> str:
    called = (f"{call.name}({call.arguments})" for call in answer.calls)
    return "\n".join(filter(None, [answer.text.strip(), *called]))


# ---- what is shown


def show(outcome: Outcome, stack: Stack, state: Path, screen: Screen) -> None:
    run = outcome.run
    if run["stage"] != "serving":
        watch.print_end(run, screen)
        show_verdict(outcome, screen)
        return
    again = "trained just now" if outcome.trained_now else "trained before; nothing had changed"
    name = f"{run['model']}@{run['version']}"
    screen.print(Text.assemble("\n", (name, "bold"), f" serves ({again}).\n"))
    screen.print(Text.assemble(("Question", "bold"), f"  {outcome.question}\n"))
    half = max((screen.width - 1) // 2, 30)
    base = Panel(
        Text(safe(outcome.base_answer)), title=f"{stack.base_deployment}, untuned", width=half
    )
    tuned = Panel(Text(safe(outcome.tuned_answer)), title=f"{run['model']}, tuned", width=half)
    screen.print(Columns([base, tuned], padding=(0, 0)))
    show_verdict(outcome, screen)
    screen.print(epochs_table(run))
    screen.print(
        "Both answers come from SmolLM2-135M in the emulator, not from an Azure model.",
        style="dim",
    )
    screen.print(f"\n  report    {stack.app_url}/api/runs/{run['id']}/report.html", end="")
    screen.print(how_to_use(stack), soft_wrap=True)
    if stack.owner.pid == os.getpid():
        screen.print("These addresses live while the stack runs: `python3 dev.py up` keeps it up.")


def show_verdict(outcome: Outcome, screen: Screen) -> None:
    """Scores of the validation set, and what has become worse."""
    if outcome.verdict is None:
        screen.print(safe(outcome.run.get("compared") or ""))
        return
    for contest in outcome.verdict["contests"]:
        screen.print(scores_table(contest, outcome.verdict["sides"][0]["name"]))
        screen.print(safe(contest["sentence"]))
        counted = f"better at {contest['better']} of them, worse at {contest['worse']}"
        screen.print(counted)
        for regression in contest["regressions"][:MAX_REGRESSIONS]:
            screen.print(safe(regression_line(regression)), style="dim")
    screen.print(f"All of it: tunedrop verdict {outcome.run['id']}", style="dim")


def scores_table(contest: dict[str, Any], tuned: str) -> Table:
    other = f"{contest['against']['name']} ({contest['against']['role']})"
    columns = ["score, points of 100", safe(other), safe(tuned), "difference", ""]
    examples = contest["primary"]["examples"]
    table = Table(*columns, title=f"{examples} examples of the validation set")
    table.title_justify = "left"
    scores = {"all that decides": contest["primary"], **contest["metrics"]}
    for name, score in scores.items():
        points = (f"{100 * score[key]:.1f}" for key in ("other", "candidate"))
        table.add_row(name, *points, f"{100 * score['difference']:+.1f}", score["outcome"])
    return table


def regression_line(regression: dict[str, Any]) -> str:
    before, now = 100 * regression["other"], 100 * regression["candidate"]
    answer = regression["candidate_answer"]
    return f"worse at line {regression['line']}, {before:.0f} to {now:.0f}: {answer}"


def epochs_table(run: dict[str, Any]) -> Table:
    table = Table("epoch", "training loss", "validation loss", title="Loss", title_justify="left")
    for number, epoch in enumerate(run["epochs"], start=1):
        table.add_row(
            str(number), number_or_hole(epoch["train_loss"]), number_or_hole(epoch["valid_loss"])
        )
    return table


def number_or_hole(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def as_json(outcome: Outcome, stack: Stack, seconds: float) -> dict[str, Any]:
    return {
        "run_id": outcome.run["id"],
        "stage": outcome.run["stage"],
        "trained_now": outcome.trained_now,
        "question": outcome.question,
        "base_answer": outcome.base_answer,
        "tuned_answer": outcome.tuned_answer,
        "verdict": outcome.verdict and outcome.verdict["overall"],
        "chat_url": stack.chat_url,
        "console_url": stack.console_url,
        "seconds": seconds,
    }


if __name__ == "__main__":
    sys.exit(main())
