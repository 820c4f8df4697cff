// The versions of a model, and what may be ordered of each.

import { ENDED, ago, badge, button, html, nothing, number, runLink, table, text, usd, when } from "./parts.js";
import { askWhy } from "./ask_why.js";
import { at, below, costOf, deployed, deployment, perHour, state, verdict } from "./model_parts.js";
import { plan } from "./model_delete.js";

export function versions({ model, cost, of }, page) {
  const month = cost?.models[0];
  const shown = model.versions.toReversed();
  if (!shown.length) return html`<p class="quiet">None is left.</p>`;
  return html`
    ${model.rollback && !model.deleting ? html`<p>${rollBack(model, page)}</p>` : nothing}
    ${table("Versions", ["Version", "Verdict", "Deployment", "Last used", "This month", ""], shown, (version) => version.version, (version) => [
      html`<b>@${version.version}</b> ${state(version)} <p class="quiet">made ${when(version.created_at)}</p>`,
      judged(version, of.get(version.run_id)),
      html`${deployment(version)}${hourly(version, month)}`,
      version.last_used ? ago(version.last_used) : "never",
      costOf(version, month),
      html`<div class="row">${orders(version, model, of.get(version.run_id), page)}</div>`,
    ])}`;
}

function judged(version, run) {
  const loss = version.checkpoint ? html`<p class="quiet">checkpoint of step ${number(version.checkpoint)}</p>` : nothing;
  return html`${verdict(run)} ${runLink(version.run_id, run?.compared ? "/verdict" : "")}${loss}`;
}

function hourly(version, month) {
  const price = perHour(version, month);
  if (price === undefined || price === 0) return nothing;
  return html`<p class="quiet">${price === null ? "no price is known" : `${usd(price)} an hour`}</p>`;
}

// ---- orders

function orders(version, model, run, page) {
  if (version.deletion || model.deleting) return badge("being deleted", "warning");
  if (run && !ENDED.has(run.stage)) return html`<span class="quiet">its run is under way</span>`;
  const isChampion = version.version === model.champion;
  const as = deployed(version);
  const may = !version.withdrawn;
  return html`
    ${may && !isChampion && model.order?.version !== version.version ? promote(version, model, run, page) : nothing}
    ${may && (as === "asleep" || as === "none") ? wake(version, model, page) : nothing}
    ${may && as !== "asleep" && as !== "none" ? sleep(version, model, isChampion, page) : nothing}
    ${remove(version, model, page)}`;
}

function promote(version, model, run, page) {
  const called = at(model.name, version.version);
  return button(page, `Promote @${version.version}`, () => make(page, model, `Promote ${called}?`, {
    path: "promote",
    sent: { version: version.version },
    called,
    body: html`${serves(model, called, version)}${run?.compared ? html`<p class="quiet">${text(run.compared)}</p>` : nothing}`,
  }));
}

function rollBack(model, page) {
  const to = model.versions.find((version) => version.version === model.rollback);
  const called = at(model.name, model.rollback);
  return button(page, `Roll back to @${model.rollback}`, () => make(page, model, `Roll back to ${called}?`, {
    path: "rollback", sent: {}, called, body: serves(model, called, to),
  }));
}

function serves(model, called, version) {
  const now = model.champion ? at(model.name, model.champion) : "";
  const awake = deployed(version) === "awake";
  return html`<p>Chat with ${text(model.name)} goes to <b>${text(called)}</b>${now ? html` in the place of ${text(now)}` : nothing}${awake ? "."
    : html`, once it answers: it is deployed first${now ? html`, and ${text(now)} serves until then` : nothing}.`}</p>`;
}

// The champion that was seen goes with the order: if another tab was quicker, nothing is changed.
async function make(page, model, title, { path, sent, called, body }) {
  const why = await askWhy(page, { title, body, confirm: path === "promote" ? "Promote" : "Roll back", kind: "primary" });
  if (why === null) return false;
  const order = { ...sent, expected: model.champion, why };
  const { status } = await page.api.post(`${below("models", model.name)}/${path}`, order);
  return status === 200 ? `${called} serves.` : `${called} becomes the champion as soon as it answers.`;
}

function sleep(version, model, isChampion, page) {
  const called = at(model.name, version.version);
  const order = async () => {
    const why = await askWhy(page, {
      title: `Put ${called} to sleep?`,
      body: html`<p>Its deployment is removed and costs nothing from then on; the version stays.
        ${isChampion ? "It is the champion: the next chat wakes it, and is answered when that is done, which takes minutes." : nothing}</p>`,
      confirm: "Put to sleep",
    });
    if (why === null) return false;
    const { status } = await page.api.post(`${below("models", model.name)}/sleep`, { version: version.version, why });
    return status === 200 ? `${called} sleeps.` : `${called} is being put to sleep.`;
  };
  return button(page, `Put @${version.version} to sleep`, order);
}

function wake(version, model, page) {
  const called = at(model.name, version.version);
  return button(page, `Wake @${version.version}`, async () => {
    await page.api.post(`${below("models", model.name)}/wake`, { version: version.version });
    return `${called} is being deployed.`;
  });
}

function remove(version, model, page) {
  return button(page, `Delete @${version.version}`, () => plan(page, model.name, version.version), { kind: "danger" });
}
