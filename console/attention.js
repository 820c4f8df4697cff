// What needs a person, out of what the app tells of runs, models, costs and its timer: one entry
// for each thing, the most urgent first. Knows no page.

import { ENDED, html, name, nothing, runLink, said, text, when } from "./parts.js";
import { toModel } from "./model_parts.js";

const LATE_DAYS = 14; // for how long an end is told here, unless something newer came of the model
const URGENT = ["ended", "urgent", "warning"]; // of a base model's ends; what is further off is in Models

// [{key, label, tone, what, why, fix, link}]; what, why, fix and link are templates or texts.
export function attention({ runs, models, cost, health }) {
  return [
    ...timer(health), ...down(models.models), ...ceiling(cost), ...unread(runs.problems, models.problems),
    ...stuck(runs.runs), ...ended(runs.runs), ...held(models.models, runs.runs),
    ...orders(models.models), ...refused(runs.refused), ...ends(models.models),
  ];
}

function timer({ status, timer: told }) {
  if (status !== "degraded") return [];
  return [{ key: "timer", label: "timer", tone: "bad", what: "The app's timer is dead.", why: told.message, fix: told.fix }];
}

function ceiling({ ceiling: limit, notices }) {
  if (!limit?.passed_at) return [];
  const why = notices.find((sentence) => sentence.includes(limit.setting)) ?? "";
  return [{
    key: "ceiling", label: "ceiling", tone: "warning",
    what: html`Hosting passes ${text(limit.setting)} at ${when(limit.passed_at)}.`,
    why, fix: "Put a model to sleep, or have whoever runs the app raise the ceiling.", link: html`<a href="#/models">Models</a>`,
  }];
}

function unread(...lists) {
  const seen = new Set();
  return lists.flat().filter(({ message }) => !seen.has(message) && seen.add(message)).map(({ message, fix }) => ({
    key: message, label: "unreadable", tone: "bad", what: message, fix,
  }));
}

// ---- runs

function stuck(runs) {
  return runs.filter((run) => !ENDED.has(run.stage) && (waitsForPerson(run) || (run.stuck && run.stuck.state !== "no"))).map((run) => ({
    key: `stuck ${run.id}`, label: waitsForPerson(run) ? run.stage === "paused" ? "paused" : "waits" : run.stuck.state,
    tone: "warning", what: html`${toModel(run.model)} is ${text(run.stage)}`,
    why: run.stuck && run.stuck.state !== "no" ? run.stuck.message : run.waiting_for, link: runLink(run.id),
  }));
}

// A run that goes on only when somebody says so, or that one of the app's ceilings holds up.
function waitsForPerson(run) {
  return run.stage === "paused" || /`tunedrop (start|resume) |TUNEDROP_/.test(run.waiting_for ?? "");
}

// The newest of its model alone: what was dropped after it is the answer to it.
function ended(runs) {
  const newest = newestOf(runs);
  const from = Date.now() - LATE_DAYS * 86_400_000;
  return [...newest.values()].filter((run) => ["failed", "rejected"].includes(run.stage))
    .filter((run) => new Date(run.timeline.at(-1).at) > from).map((run) => ({
      key: run.id, label: run.stage, tone: "bad",
      what: html`${toModel(run.model)}: ${said(run.failure?.message ?? "the run has ended without a version")}`,
      fix: run.failure?.fix,
      link: html`${runLink(run.id)}${run.stage === "rejected" ? html` · <a href="#/runs/${encodeURIComponent(run.id)}/report">report</a>` : nothing}`,
    }));
}

function newestOf(runs) {
  const newest = new Map();
  for (const run of runs) if (!newest.has(run.model)) newest.set(run.model, run);
  return newest;
}

// ---- models

// What was asked for, by a chat or a person, and cannot be deployed.
function down(models) {
  return models.flatMap(({ name: model, champion, versions }) => versions.filter((version) => version.waking?.in_the_way).map(({ version, waking }) => ({
    key: `down ${model}@${version}`, label: "not deployed", tone: version === champion ? "bad" : "warning",
    what: html`${toModel(model, version)} is asked for and does not come to answer.`, why: waking.in_the_way,
  })));
}

// Of each model the newest version that answers and nobody has promoted.
function held(models, runs) {
  const of = new Map(runs.map((run) => [run.id, run]));
  return models.filter((model) => !model.deleting && !model.order).flatMap((model) => {
    const version = model.versions.filter((one) => one.state === "candidate").at(-1);
    const run = version && of.get(version.run_id);
    if (!version || (run && run.stage !== "held")) return [];
    return [{
      key: `held ${model.name}`, label: "held", tone: "warning",
      what: html`${toModel(model.name, version.version)} waits for a decision: promote it, or leave it.`,
      why: run?.held, link: html`<a href="#/runs/${encodeURIComponent(version.run_id)}/verdict">the verdict</a> · <a href="#/models/${encodeURIComponent(model.name)}">decide</a>`,
    }];
  });
}

function orders(models) {
  return models.filter((model) => model.order).map(({ name: model, order }) => ({
    key: `order ${order.id}`, label: "order waits", tone: "active",
    what: html`${toModel(model, order.version)} is to be the champion, by order of ${said(order.who || "somebody")}.`,
    why: order.waits,
  }));
}

// Models on one base model share its ends.
function ends(models) {
  const found = new Map();
  for (const { name: model, lifecycle } of models) {
    for (const end of lifecycle?.endings ?? []) {
      if (!URGENT.includes(end.level)) continue;
      const known = found.get(end.sentence) ?? { ...end, models: [] };
      known.models.push(model);
      found.set(end.sentence, known);
    }
  }
  return [...found.values()].map((end) => ({
    key: end.sentence, label: end.level, tone: end.level === "warning" ? "warning" : "bad",
    what: end.sentence, fix: end.cure,
    link: html`${end.models.slice(0, 5).map((model, n) => html`${n ? ", " : ""}${toModel(model)}`)}${end.models.length > 5 ? ` and ${end.models.length - 5} more` : nothing}`,
  }));
}

// ---- drops

// What the app looks at again by itself needs nobody yet.
function refused(page) {
  const drops = (page?.drops ?? []).filter((drop) => !drop.waits);
  return drops.map((drop) => ({
    key: `drop ${drop.name}`, label: "not taken", tone: "warning",
    what: html`${name(drop.name)}`, why: drop.message, fix: drop.fix, link: html`<a href="#/drop">Drop it again</a>`,
  }));
}

