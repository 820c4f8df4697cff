// One model: who serves, its versions and what may be done with each, orders that wait, what it
// costs, and every change of its champion.

import { ENDED, ago, badge, button, count, empty, facts, html, nothing, number, runLink, said, stage, table, text, when } from "./parts.js";
import { askWhy } from "./ask_why.js";
import { RARELY, at, below, deployed, endings, lastUse, orNull, sum } from "./model_parts.js";
import { versions } from "./model_versions.js";
import { deletion, goes } from "./model_delete.js";

const SHOWN = 10; // changes of the champion, until all are asked for

export const title = ({ name }) => name;

export async function load(api, { name }) {
  const asked = encodeURIComponent(name);
  const [model, cost, { runs }] = await Promise.all([
    orNull(api.get(`models/${asked}`)),
    orNull(api.get(`cost?model=${asked}`, RARELY)),
    api.get(`runs?model=${asked}&limit=50`),
  ]);
  return { model, cost, runs, of: new Map(runs.map((run) => [run.id, run])) };
}

export function active({ model, runs }) {
  return Boolean(model?.order || model?.deleting || model?.versions.some((version) => version.waking))
    || runs.some((run) => !ENDED.has(run.stage));
}

export function view(data, page) {
  const { model, cost, runs } = data;
  if (!model) return without(page.params.name, runs);
  return html`
    ${goes(model)}
    ${waits(model, page)}
    ${summary(data)}
    ${endings(model.lifecycle)}
    ${(cost?.notices ?? []).map((sentence) => html`<p class="quiet">${text(sentence)}</p>`)}
    <h2>Versions</h2>
    ${versions(data, page)}
    <h2>Who served when</h2>
    ${changes(data, page)}
    ${deletion(model, page)}`;
}

// Of a name that has no version: it trains its first, or there is nothing.
function without(name, runs) {
  if (!runs.length) {
    return empty(html`There is no model of this name, or not any more. <a href="#/models">All models</a> ·
      <a href="#/${below("drop", "")}?model=${encodeURIComponent(name)}">drop a dataset</a>`);
  }
  return html`
    <p>${said(name)} has no version yet: the first run that ends well makes one.</p>
    ${table("Runs", ["Run", "Stage", "Last change", "In the way"], runs, (run) => run.id, (run) => [
      runLink(run.id), stage(run), ago(run.timeline.at(-1).at), said(run.failure?.message ?? run.waiting_for ?? ""),
    ])}`;
}

function summary({ model, cost, runs }) {
  const { name } = model;
  const month = cost?.models[0];
  const query = `model=${encodeURIComponent(name)}`;
  return html`
    <div class="card">
      ${facts([
        ["Serves", served(model)],
        ["Last used", lastUse(model.versions)],
        [cost ? `Cost of ${cost.month} (UTC)` : "Cost", month ? html`${sum(month.usd, month.unknown)} <span class="quiet">→ ${sum(month.projected_usd, month.unknown)} by its end</span>` : "$0.00"],
        ["Base model", model.lifecycle ? html`${text(model.lifecycle.base_model)}${lifecycle(model.lifecycle)}` : nothing],
      ])}
      <p class="row links">
        <a href="#/playground?${query}">Playground</a>
        <a href="#/${below("data", name)}">Data</a>
        <a href="#/runs?${query}">${count(runs.length, "run")}</a>
        <a href="#/drop?${query}">Drop the next dataset</a>
      </p>
    </div>`;
}

function served(model) {
  const champion = model.versions.find((version) => version.version === model.champion);
  if (!champion) return html`${badge("nobody", "warning")} <span class="quiet">no version is the champion</span>`;
  const as = deployed(champion);
  return html`<b>${text(at(model.name, champion.version))}</b> ${badge(as === "none" ? "not deployed" : as, { awake: "good", waking: "active" }[as])}
    ${as === "asleep" || as === "none" ? html`<span class="quiet">the first chat wakes it</span>` : nothing}`;
}

function lifecycle(ends) {
  const days = ends ? [["training", ends.training_ends], ["deployments", ends.deployments_end]].filter(([, day]) => day) : [];
  return days.length ? html`<p class="quiet">${days.map(([what, day]) => `${what} until ${day}`).join(", ")}</p>` : nothing;
}

// ---- an order that waits

function waits(model, page) {
  const { order, champion, name } = model;
  if (!order) return nothing;
  const called = at(name, order.version);
  const back = async () => {
    const why = await askWhy(page, {
      title: "Take the order back?",
      body: html`<p>${text(at(name, champion))} stays the champion, and ${text(called)} is not deployed for this order any more.</p>`,
      confirm: "Take it back",
      kind: "primary",
    });
    if (why === null) return false;
    await page.api.post(below("models", name) + "/promote", { version: champion, expected: champion, why });
    return `The order is taken back: ${at(name, champion)} serves.`;
  };
  return html`
    <div class="card attention" role="status">
      <p>${badge("order waits", "active")} <b>${text(called)}</b> is to be the champion
        (${text(order.cause)}${order.who ? html`, by ${said(order.who)}` : nothing}, ${ago(order.at)}${order.why ? html`: ${said(order.why)}` : nothing}).
        ${champion ? html`${text(at(name, champion))} serves until then.` : nothing}</p>
      ${order.waits ? html`<p class="quiet">${said(order.waits)}</p>` : nothing}
      ${champion ? html`<p>${button(page, "Take the order back", back)}</p>` : nothing}
    </div>`;
}

// ---- history

function changes({ model }, page) {
  const all = model.history.toReversed();
  if (!all.length) return html`<p class="quiet">No version has been the champion yet.</p>`;
  const shown = page.state.allChanges ? all : all.slice(0, SHOWN);
  const more = () => {
    page.state.allChanges = true;
    page.update();
  };
  return html`
    ${table("Changes of the champion", ["When", "Champion", "Cause", "Who", "Why", "Evidence"], shown,
      (change) => change.id || change.at, (change) => [
        when(change.at), changed(model.name, change), text(change.cause), said(change.who), change.why ? said(change.why) : nothing, evidence(change, model),
      ])}
    ${shown.length < all.length ? html`<p><button @click=${more}>Show all ${number(all.length)}</button></p>` : nothing}`;
}

function changed(name, { version, before }) {
  const called = (one) => (one ? at(name, one) : "nobody");
  return html`<b>${text(called(version))}</b> <span class="quiet">after ${text(called(before))}</span>`;
}

function evidence(change, { versions: known }) {
  const version = known.find((one) => one.version === change.version);
  return change.verdict && version ? runLink(version.run_id, "/verdict") : nothing;
}
