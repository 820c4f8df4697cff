"""Area `training`: one tiny job that really trains, and the model that it makes: deployed, asked,
and deleted again. Paid for by its tokens.
"""

import re
from collections.abc import Mapping
from typing import Any

from tunedrop.probe import deploying, shapes
from tunedrop.probe.chatting import chat
from tunedrop.probe.datafiles import followed
from tunedrop.probe.jobs import events_order, follow
from tunedrop.probe.reading import JOB_ENDS, JOB_RANKS, form_of, keys_of, order, waiting, when
from tunedrop.probe.session import CannotGoOn, Session, StillWaits
from tunedrop.probe.things import (
    BASE,
    EPOCHS,
    TUNED_SKU,
    create_job,
    deployment,
    deployment_name,
    job,
    lines,
    suffix,
    upload,
    write,
)
from tunedrop.probe.wire import Reply

STEP = re.compile(r"Step N: training loss=N(e-N)?")


def ask(session: Session) -> None:
    ended = _trained(session)
    path = f"/fine_tuning/jobs/{ended['id']}"
    _events(session, path)
    _checkpoints(session, path)
    _results(session, ended)
    _model(session, ended)
    _deployed(session, str(ended["fine_tuned_model"]))


def _trained(session: Session) -> Mapping[str, Any]:
    """The job, which has succeeded. Raises CannotGoOn."""

    def make() -> dict[str, Any]:
        file = session.need(upload(session, "training", lines()), "an upload")
        followed(session, str(file["id"]))
        epochs = {"hyperparameters": {"n_epochs": EPOCHS}}
        body = job(session, file["id"], method={"type": "supervised", "supervised": epochs})
        return session.need(create_job(session, body), "a job")

    made = session.once("trained", make)
    states, last = follow(session, str(made["id"]))
    session.see("training.states", order([str(made.get("status")), *states], JOB_RANKS))
    if states[-1] not in JOB_ENDS:
        raise StillWaits("the job is still training, or waits for its turn")
    session.see("training.end", states[-1])
    _ended(session, made, last)
    if not last.get("fine_tuned_model"):
        raise CannotGoOn("the job has made no model")
    return last


def _ended(session: Session, made: Mapping[str, Any], last: Mapping[str, Any]) -> None:
    see = session.see
    see("training.shape", shapes.of_openai("FineTuningJob", dict(last)))
    see("training.model-name", _name(last, suffix(session)))
    see("training.finished-at", when(last.get("finished_at"), session.clock.now()))
    ended, began = last.get("finished_at"), made.get("created_at")
    if isinstance(ended, int) and isinstance(began, int):
        see("training.seconds", ended - began)
    tokens = last.get("trained_tokens")
    see("training.tokens", "counted" if isinstance(tokens, int) and tokens > 0 else "none")
    found = last.get("hyperparameters")
    epochs = found.get("n_epochs") if isinstance(found, dict) else None
    see("training.epochs", "as asked for" if epochs == EPOCHS else "otherwise")


def _name(ended: Mapping[str, Any], suffix: str) -> str:
    identifier = str(ended.get("id")).removeprefix("ftjob-")
    wanted = f"{BASE}.ft-{identifier}-{suffix}"
    return "base, ft, job, suffix" if ended.get("fine_tuned_model") == wanted else "another form"


def _events(session: Session, path: str) -> None:
    listed = session.wire.data("GET", f"{path}/events", query={"limit": 100})
    session.see("training.events-order", events_order(listed))
    metrics = [one for one in listed.items if one.get("type") == "metrics"]
    session.see("training.metrics", "some" if metrics else "none")
    if metrics:
        session.see("training.metric-keys", keys_of(metrics[0].get("data")))
        said = re.sub(r"\d+(\.\d+)?", "N", str(metrics[0].get("message")))
        session.see("training.metric-says", "as known" if STEP.fullmatch(said) else "otherwise")


def _checkpoints(session: Session, path: str) -> None:
    see = session.see
    listed = session.wire.data("GET", f"{path}/checkpoints")
    see("training.checkpoints", f"{len(listed.items)} of {EPOCHS}")
    for one in listed.items[:1]:
        see("training.checkpoint-shape", shapes.of_openai("FineTuningJobCheckpoint", one))
        see("training.checkpoint-id", form_of(one.get("id")))
        see("training.checkpoint-metrics", sorted(one.get("metrics") or {}))


def _results(session: Session, ended: Mapping[str, Any]) -> None:
    files = ended.get("result_files")
    if not isinstance(files, list) or not files:
        session.see("training.results", "none")
        return
    session.see("training.results", "one" if len(files) == 1 else "several")
    shown = session.wire.data("GET", f"/files/{files[0]}").object
    session.see("training.results-purpose", str(shown.get("purpose")))
    text = session.wire.data("GET", f"/files/{files[0]}/content").content.decode(errors="replace")
    session.see("training.results-columns", text.partition("\n")[0].strip("\ufeff\r"))


def _model(session: Session, ended: Mapping[str, Any]) -> None:
    reply = session.wire.data("GET", f"/models/{ended['fine_tuned_model']}")
    session.see("training.model", reply.outcome)
    session.see("training.model-shape", shapes.of_openai("Model", reply.object))
    session.see(
        "training.model-base", "as asked for" if reply.object.get("model") == BASE else "no"
    )


def _deployed(session: Session, model: str) -> None:
    see, name = session.see, deployment_name(session, "tuned")
    wrong = write(session, "PUT", name, _body(model, "Microsoft"))
    see("training.wrong-format", wrong.outcome)
    if wrong.is_ok:
        deploying.remove(session, name)
    reply = write(session, "PUT", name, _body(model, "OpenAI"))
    see("training.deploy", waiting(reply))
    session.need(reply, "a deployment of the tuned model")
    began = session.clock.now()
    see("training.deployed", deploying.settled(session, name))
    see("training.answers", deploying.ready(session, name).outcome)
    see("training.deploy-seconds", round(session.clock.now() - began, 1))
    see("training.answer-model", _answered(chat(session, name, max_tokens=1), model))
    see("training.delete-deployed", session.wire.data("DELETE", f"/models/{model}").outcome)
    deploying.remove(session, name)
    deleted = session.wire.data("DELETE", f"/models/{model}")
    see("training.delete-model", deleted.outcome)
    see("training.after-delete", session.wire.data("GET", f"/models/{model}").outcome)


def _answered(reply: Reply, model: str) -> str:
    return "the model" if reply.object.get("model") == model else "another name"


def _body(model: str, format: str) -> dict[str, Any]:
    return deployment(model, "1", sku=TUNED_SKU, capacity=1, format=format)
