// All models: who serves, what waits, when each was last used, what the month costs.

import { badge, command, count, duration, empty, html, nothing, problems, runLink, stage, table, text, tiles, usd } from "./parts.js";
import { RARELY, at, below, deployed, deployment, lastUse, sum, toModel } from "./model_parts.js";

export const title = "Models";

export async function load(api) {
  const [{ models, problems: unread }, cost, { runs }] = await Promise.all([
    api.get("models"), api.get("cost", RARELY), api.get("runs?limit=50"),
  ]);
  return { models, cost, unread, rows: rows(models, cost, runs) };
}

// Those that have only runs so far stand among them.
function rows(models, cost, runs) {
  const known = new Set(models.map((model) => model.name));
  const begun = runs.filter((run) => !known.has(run.model) && known.add(run.model));
  const found = [
    ...models.map((model) => ({ name: model.name, model })),
    ...begun.map((run) => ({ name: run.model, run })),
  ];
  const spent = new Map(cost.models.map((one) => [one.model, one]));
  return found.map((row) => ({ ...row, cost: spent.get(row.name) }))
    .sort((one, other) => one.name.localeCompare(other.name));
}

export function active({ models }) {
  return models.some((model) => model.order || model.deleting || model.versions.some((version) => version.waking));
}

export function view({ models, cost, unread, rows: shown }) {
  if (!shown.length) return html`${problems(unread)}${nobody()}`;
  return html`
    ${problems(unread)}
    ${tiles(figures(models, cost))}
    ${table("Models", ["Model", "Serves", "Other versions", "Last used", "This month", "Base model"],
      shown, (row) => row.name, cells)}
    <p class="quiet">Costs are list prices of hosting and training in ${cost.month} (UTC), without the tokens of chats.</p>`;
}

function figures(models, cost) {
  const versions = models.flatMap((model) => model.versions);
  const awake = versions.filter((version) => deployed(version) === "awake").length;
  const { total } = cost;
  return [
    ["Models", models.length, count(versions.length, "version")],
    ["Deployed", awake, `${usd(total.usd_per_hour)} an hour now`],
    [`Cost of ${cost.month}`, sum(total.usd, total.unknown), `${sum(total.projected_usd, total.unknown)} by its end`],
  ];
}

function cells({ name, model, run, cost }) {
  const month = cost ? html`${sum(cost.usd, cost.unknown)} <span class="quiet">→ ${sum(cost.projected_usd, cost.unknown)}</span>` : usd(0);
  if (!model) return [toModel(name), html`<span class="quiet">no version yet</span>`, html`${stage(run)} ${runLink(run.id)}`, "", month, ""];
  return [toModel(name), serves(model), others(model), lastUse(model.versions), month, base(model)];
}

function serves(model) {
  if (model.deleting) return badge("being deleted", "warning");
  const champion = model.versions.find((version) => version.version === model.champion);
  if (!champion) return badge("nobody", "warning");
  return html`<b>@${champion.version}</b> ${deployment(champion)}`;
}

function others(model) {
  const candidates = model.versions.filter((version) => version.state === "candidate");
  const rest = model.versions.length - candidates.length - (model.champion ? 1 : 0);
  const { order } = model;
  return html`
    ${order ? html`<p>${badge("order waits", "active")} ${text(at(model.name, order.version))}</p>` : nothing}
    ${candidates.length ? html`<p>${badge("candidate", "active")} ${candidates.map((one) => `@${one.version}`).join(", ")}</p>` : nothing}
    ${rest > 0 ? html`<p class="quiet">${count(rest, "older version")}</p>` : nothing}`;
}

function base({ lifecycle }) {
  if (!lifecycle) return "";
  const soonest = lifecycle.endings.toSorted((one, other) => one.days - other.days)[0];
  const tone = soonest && soonest.level !== "notice" ? "warning" : "quiet";
  return html`${text(lifecycle.base_model)}${soonest ? html`<p class=${tone}>${text(ends(soonest))}</p>` : nothing}`;
}

function ends({ what, days }) {
  const called = { training: "training", base: "the base model", deployments: "deployments of it" }[what] ?? what;
  const begun = called[0].toUpperCase() + called.slice(1);
  return days > 0 ? `${begun} ${what === "deployments" ? "end" : "ends"} in ${duration(days * 86_400)}` : `${begun} ${what === "deployments" ? "have" : "has"} ended`;
}

export function nobody() {
  return empty(html`There is no model yet: a dataset that is dropped makes one. <a href="#/drop">Drop one here</a>, or:`, {
    laptop: html`<p>in the checkout, with <code>.venv</code> active:</p>${command("tunedrop push examples/captain --watch")}`,
    azure: html`<p>from a terminal, with a folder that holds <code>training_set.jsonl</code>:</p>
      ${command(`tunedrop push FOLDER --watch --app ${location.origin} --storage https://ACCOUNT.blob.core.windows.net`)}
      <p class="quiet">or put it into the container <code>datasets</code> of the app's storage as <code>NAME/training_set.jsonl</code>.</p>`,
  });
}
