// What needs a person, what runs, and what it costs this month.

import { ENDED, badge, count, duration, html, nothing, number, runLink, said, stage, table, text, tiles, when } from "./parts.js";
import { attention } from "./attention.js";
import { RARELY, deployed, sum, toModel } from "./model_parts.js";
import { nobody } from "./models.js";

const SHOWN = 8; // things that need a person, until all are asked for
const DEAREST = 5; // models

export const title = "Home";

export async function load(api) {
  const [runs, models, cost, health] = await Promise.all([
    api.get("runs?limit=50"), api.get("models"), api.get("cost", RARELY), api.get("health", RARELY),
  ]);
  return { runs, models, cost, health, running: runs.runs.filter((run) => !ENDED.has(run.stage)) };
}

export function active({ running }) {
  return running.length > 0;
}

export function view(data, page) {
  const { runs, models, running } = data;
  const things = attention(data);
  if (!runs.runs.length && !models.models.length) {
    return html`${things.length ? needed(things, page) : nothing}${nobody()}`;
  }
  return html`
    ${tiles(figures(data, things))}
    <h2>Needs a person</h2>
    ${things.length ? needed(things, page) : html`<p class="quiet">Nothing does.</p>`}
    <h2>Runs under way</h2>
    ${running.length ? html`<div class="cards">${running.map(card)}</div>` : html`<p class="quiet">None. <a href="#/drop">Drop a dataset</a>, or look at <a href="#/runs">the last runs</a>.</p>`}
    <h2>This month</h2>
    ${month(data.cost)}`;
}

function figures({ models: { models }, cost, running }, things) {
  const versions = models.flatMap((model) => model.versions);
  const awake = versions.filter((version) => deployed(version) === "awake").length;
  const { total } = cost;
  return [
    ["Needs a person", things.length || "nothing"],
    ["Under way", running.length ? count(running.length, "run") : "nothing"],
    ["Models that serve", number(models.filter((model) => model.champion).length), `${count(awake, "version")} deployed`],
    [`Cost of ${cost.month}`, sum(total.usd, total.unknown), `${sum(total.projected_usd, total.unknown)} by its end`],
  ];
}

// ---- what needs a person

function needed(things, page) {
  const shown = page.state.allThings ? things : things.slice(0, SHOWN);
  const more = () => {
    page.state.allThings = true;
    page.update();
  };
  return html`
    <ul class="needs">${shown.map(({ label, tone, what, why, fix, link }) => html`
      <li class="card attention">
        <p>${badge(label, tone)} ${typeof what === "string" ? said(what) : what}</p>
        ${why ? html`<p class="quiet clamp">${said(why)}</p>` : nothing}
        ${fix ? html`<p class="quiet">${said(fix)}</p>` : nothing}
        ${link ? html`<p>${link}</p>` : nothing}
      </li>`)}</ul>
    ${shown.length < things.length ? html`<p><button @click=${more}>Show all ${number(things.length)}</button></p>` : nothing}`;
}

// ---- what runs

function card(run) {
  const { step, total_steps: steps } = run.progress;
  const trains = run.stage === "training" && steps;
  return html`
    <article class="card">
      <p class="row apart"><span>${toModel(run.model)}</span> ${stage(run)}</p>
      ${trains ? html`<progress max=${steps} value=${step ?? 0} aria-label="steps of the training"></progress>
        <p class="quiet">step ${number(step ?? 0)} of ${number(steps)}${run.progress.train_loss === null ? nothing : `, loss ${number(run.progress.train_loss, 3)}`}</p>` : nothing}
      <p>${ahead(run)}</p>
      ${run.waiting_for ? html`<p class="quiet">${said(run.waiting_for)}</p>` : nothing}
      <p>${runLink(run.id)} <span class="quiet">at this stage since ${when(run.timeline.at(-1).at)}</span></p>
    </article>`;
}

function ahead({ eta }) {
  if (!eta) return html`<span class="quiet">goes on by a person</span>`;
  if (eta.finish) {
    const left = (new Date(eta.finish) - Date.now()) / 1000;
    return html`ready ${left > 0 ? html`in about <b>${duration(left)}</b>` : "at any moment"} <span class="quiet">(${when(eta.finish)}; ${text(eta.basis)})</span>`;
  }
  return html`<span class="quiet">when it is ready is not known: ${text(eta.basis)}</span>`;
}

// ---- money

function month(cost) {
  const dearest = cost.models.toSorted((one, other) => (other.projected_usd ?? 0) - (one.projected_usd ?? 0)).slice(0, DEAREST);
  if (!dearest.length) return html`<p class="quiet">Nothing has cost anything in ${cost.month} (UTC).</p>`;
  const rest = cost.models.length - dearest.length;
  return html`
    ${table("Costs of this month", ["Model", "Hosting", "Training", "So far", "By its end"], dearest, (one) => one.model, (one) => [
      toModel(one.model), sum(one.hosting.usd, one.hosting.unknown), sum(one.training.usd, one.training.unknown),
      sum(one.usd, one.unknown), sum(one.projected_usd, one.unknown),
    ])}
    ${rest > 0 ? html`<p>and <a href="#/models">${count(rest, "more model")}</a></p>` : nothing}
    ${cost.ceiling ? limit(cost) : nothing}
    ${cost.notices.map((sentence) => html`<p class="quiet">${text(sentence)}</p>`)}`;
}

function limit({ ceiling: { setting, usd: most }, total: { hosting } }) {
  return html`<p><label>Hosting, of the ${sum(most)} that ${text(setting)} allows
    <progress max=${most} value=${Math.min(most, hosting.usd ?? 0)}></progress></label></p>`;
}
