// One run: what it waits for and whose move that is, its losses, its times, what it costs, what has
// happened, and what may be ordered.

import { badge, ENDED, html, nothing, problems, short, stage, text } from "./parts.js";
import { curve } from "./curve.js";
import { orders } from "./run_orders.js";
import { cost, events, findings, losses, plan, refusedOrder, settings, timeline, times } from "./run_parts.js";
import { move, told, waitsForAPerson } from "./run_words.js";

export const title = ({ id }) => `Run ${short(id)}`;

const LONGEST_MS = 60_000; // an ended run is not read again before: nothing happens to it by itself
let kept = { id: "" };

export async function load(api, { id }) {
  const same = kept.id === id && kept.run;
  if (same && ENDED.has(kept.run.stage) && Date.now() - kept.at < LONGEST_MS) return kept;
  const below = `runs/${encodeURIComponent(id)}`;
  const run = await found(api, below, same);
  if (!run) return { ...kept, gone: true };
  const log = await api.text(`${below}/events.jsonl`);
  const report = (same && kept.report) || (run.stage === "received" ? null : await api.text(`${below}/report.json`));
  kept = { id, run, log, report, at: Date.now() };
  return kept;
}

// Null for one that was there and is not any more.
async function found(api, below, same) {
  try {
    return await api.get(below);
  } catch (problem) {
    if (problem.status === 404 && same) return null;
    throw problem;
  }
}

export function active({ run, gone }) {
  return !gone && !ENDED.has(run.stage) && !waitsForAPerson(run);
}

export function view({ run, log, report, gone }, page) {
  if (gone) return html`<p role="status">This run is deleted. <a href="#/runs">Runs</a></p>`;
  const changed = () => (kept = { ...kept, at: 0, report: null });
  return html`
    ${head(run)}
    ${problems(run.problems)}
    ${status(run, refusedOrder(log))}
    ${orders(run, page, changed)}
    ${times(run)}
    ${picture(run, page)}
    <div class="columns">
      <section><h2>Timeline</h2>${timeline(run)}</section>
      <section><h2>Dataset</h2>${findings(run, report)}</section>
    </div>
    <div class="columns">
      <section><h2>Cost</h2>${cost(run, report)}</section>
      <section><h2>Settings</h2>${settings(run)}</section>
    </div>
    ${plan(run.plan)}
    <section><h2>Events</h2>${events(log, page)}</section>`;
}

function head(run) {
  const model = encodeURIComponent(run.model);
  const id = encodeURIComponent(run.id);
  return html`
    <p class="row">${stage(run)}
      ${run.standing && run.standing.state !== "champion" ? badge(run.standing.state) : nothing}
      <code class="id">${text(run.id)}</code></p>
    <p class="row links">
      ${run.version ? html`<a href="#/models/${model}">Model ${text(run.model)}</a>` : nothing}
      <a href="#/runs/${id}/report">Dataset report</a>
      ${run.compared ? html`<a href="#/runs/${id}/verdict">Verdict</a>` : nothing}
      ${run.version ? html`<a href="#/playground?model=${model}@${run.version}">Try ${text(run.model)}@${run.version}</a>` : nothing}
      <a href="#/data/${model}">Data of ${text(run.model)}</a>
      <a href="#/runs?model=${model}">All its runs</a>
      ${ENDED.has(run.stage) ? html`<a href="#/drop?model=${model}">Drop the next dataset</a>` : nothing}
    </p>`;
}

function status(run, refused) {
  const { whose, says, more } = move(run);
  const slow = run.stuck && run.stuck.state !== "no";
  const tone = run.failure ? "problem" : slow || whose.startsWith("Your") ? "attention" : "";
  return html`
    <section class="card ${tone}" aria-label="Now">
      <p><b>${whose}.</b> ${says}</p>
      ${more === nothing ? nothing : html`<p class="quiet">${more}</p>`}
      ${refused === nothing || ENDED.has(run.stage) ? nothing : html`<p class="warning" role="alert">${refused}</p>`}
      ${slow ? html`<p>${badge(run.stuck.state, run.stuck.state === "stuck" ? "bad" : "warning")} ${told(run.stuck.message)}</p>` : nothing}
      ${run.stuck?.state === "no" ? html`<p class="quiet">${told(run.stuck.message)}</p>` : nothing}
      ${run.compared ? html`<p class="quiet">${told(run.compared)}</p>` : nothing}
      ${run.notices.map((notice) => html`<p class="quiet">${told(notice)}</p>`)}
    </section>`;
}

function picture(run, page) {
  if (!run.curve.length && !run.epochs.length) return nothing;
  const moved = (step) => {
    if (step === page.state.step) return;
    page.state.step = step;
    page.update();
  };
  const best = run.best_checkpoint?.step;
  return html`
    <section><h2>Losses</h2>
      ${run.signals.map((signal) => html`<p class="card attention">${badge(signal.id, "warning")} ${told(signal.message)}</p>`)}
      <figure>${curve({ curve: run.curve, epochs: run.epochs, best, total: run.progress.total_steps, at: page.state.step, moved })}</figure>
      ${losses(run, best)}
    </section>`;
}
