// What several pages say of a model: how a version is deployed, what a month costs, what ends.
// Knows the app's answers, no page.

import { ago, badge, duration, html, name, nothing, number, text, usd, when } from "./parts.js";

const STATES = { champion: "good", candidate: "active", retired: "quiet", withdrawn: "quiet" };
const LEVELS = { ended: "bad", urgent: "bad", warning: "warning" };

export const at = (model, version) => `${model}@${version}`;

export const below = (path, model) => `${path}/${encodeURIComponent(model)}`;

// A name of strangers, as a link to its page.
export function toModel(model, version = null) {
  return html`<a href="#/${below("models", model)}">${name(version ? at(model, version) : model, 64)}</a>`;
}

export function state(version) {
  return badge(version.state, STATES[version.state]);
}

// ---- how it is deployed: awake, waking, asleep, or none

export function deployed({ hosted = [], asleep_since: asleep, waking }) {
  if (waking) return "waking";
  const last = hosted.at(-1);
  if (last && !last.until && !asleep) return "awake";
  return asleep ? "asleep" : "none";
}

export function deployment(version) {
  const as = deployed(version);
  const last = version.hosted?.at(-1);
  if (as === "awake") return html`${badge("awake", "good")} <span class="quiet">${text(last.sku)}, ${number(last.capacity)}k tokens a minute</span>`;
  if (as === "asleep") return html`${badge("asleep")} <span class="quiet">since ${when(version.asleep_since)}</span>`;
  if (as === "none") return html`${badge("not deployed")}${last?.until ? html` <span class="quiet">since ${when(last.until)}</span>` : nothing}`;
  const { since, usual_seconds: usual, in_the_way: way } = version.waking;
  return html`${badge("waking", "active")} <span class="quiet">${since ? html`asked for ${ago(since)}, ` : nothing}usually ready
    after ${duration(usual)}</span>${way ? html`<p class="warning">${text(way)}</p>` : nothing}`;
}

export function lastUse(versions) {
  const used = versions.map((version) => version.last_used).filter(Boolean).sort();
  return used.length ? ago(used.at(-1)) : "never";
}

// ---- money

// What a month costs grows by the hour: it is asked for once a minute.
export const RARELY = { every: 60_000 };

// A sum of which a part has no known price.
export function sum(amount, unknown = 0) {
  if (!unknown) return usd(amount);
  return amount ? `${usd(amount)} + unknown` : "not known";
}

// Of one version in the month: its hours, and the training of its run.
export function costOf(version, cost) {
  const hours = cost?.hosting.versions.filter((one) => one.version === version.version) ?? [];
  const jobs = cost?.training.runs.filter((one) => one.run === version.run_id && one.ended) ?? [];
  const amounts = [...hours.map((one) => one.usd), ...jobs.map((one) => one.billed?.usd ?? null)];
  const known = amounts.filter((amount) => amount !== null);
  return sum(known.reduce((all, one) => all + one, 0), amounts.length - known.length);
}

export function perHour(version, cost) {
  const now = cost?.hosting.versions.find((one) => one.version === version.version && one.deployed);
  return now ? now.usd_per_hour : undefined;
}

// ---- verdicts and ends

const SAID = [
  [" is better than ", "better", "good"],
  [" is worse than ", "worse", "bad"],
  [" is not told apart from ", "not told apart", "warning"],
  [" scores higher than ", "not told apart", "warning"],
  [" is not compared", "not compared", "quiet"],
  [" is compared with nothing", "not compared", "quiet"],
];

// What the comparison of a run's version came to, in a word, by its own sentence.
export function verdict(run) {
  const found = run?.compared ? SAID.find(([words]) => run.compared.includes(words)) : null;
  return found ? badge(found[1], found[2]) : nothing;
}

export function endings(lifecycle, levels = ["ended", "urgent", "warning", "notice"]) {
  return (lifecycle?.endings ?? []).filter((one) => levels.includes(one.level)).map((one) => html`
    <div class="card attention"><p>${badge(one.level, LEVELS[one.level])} ${text(one.sentence)}</p>
      ${one.cure ? html`<p class="quiet">${text(one.cure)}</p>` : nothing}</div>`);
}

// null where the app knows of no such thing.
export async function orNull(asked) {
  try {
    return await asked;
  } catch (refused) {
    if (refused.status === 404) return null;
    throw refused;
  }
}
