// The parts of a run's page that only show: times, losses per epoch, findings, cost, plan,
// settings, events.

import { badge, count, duration, ENDED, facts, html, name, nothing, number, repeat, said, size, table, text, tiles, usd, when } from "./parts.js";
import { svg } from "./lit/lit-html.js";
import { told } from "./run_words.js";

// A moment of today by its time alone, with seconds where that tells things apart.
function moment(at, seconds = false) {
  const [then, now] = [new Date(at), new Date()];
  const time = then.toLocaleTimeString(undefined, { timeStyle: seconds ? "medium" : "short" });
  const today = then.toDateString() === now.toDateString();
  const day = today ? "" : `${then.toLocaleDateString(undefined, { dateStyle: "medium" })}, `;
  return html`<time datetime=${then.toISOString()} title=${then.toISOString()}>${day}${time}</time>`;
}

const SHOWN = 100; // events; the others are shown where that is asked for

// ---- what is left

export function times({ progress, eta, stage }) {
  if (!eta && stage !== "paused") return nothing;
  const { step, total_steps: total } = progress;
  const bar = step !== null && total ? html`
    <p><progress max=${total} value=${step} aria-label="Training: step ${step} of ${total}"></progress></p>` : nothing;
  return html`
    <section aria-label="What is left">
      ${bar}
      ${tiles([
        ["step", step === null ? null : html`${number(step)}${total ? html` <small>of ${number(total)}</small>` : nothing}`],
        ["in the queue", eta && left(eta.queueing)],
        ["training left", eta && left(eta.training), eta?.basis],
        ["until it answers, then", eta && left(eta.provisioning)],
        ["ready at about", eta?.finish ? moment(eta.finish) : eta && "not known yet"],
      ].filter(([, value]) => value !== null && value !== undefined))}
    </section>`;
}

function left(seconds) {
  if (seconds === null) return "not known";
  return seconds === 0 ? "done" : duration(seconds);
}

// ---- losses

export function losses({ epochs }, best) {
  if (!epochs.length) return nothing;
  return table("Losses after each epoch", ["Epoch", "Step", "Training loss", "Validation loss", "Checkpoint"], epochs, (epoch) => epoch.step, (epoch) => [
    String(epochs.indexOf(epoch) + 1), number(epoch.step), loss(epoch.train_loss),
    html`${loss(epoch.valid_loss)} ${epoch.step === best ? badge("best", "good") : nothing}`,
    epoch.checkpoint ? html`<code>${text(epoch.checkpoint)}</code>` : "–"]);
}

function loss(value) {
  return value === null ? "–" : value.toFixed(4);
}

// ---- times

export function timeline(run) {
  const rows = run.timeline.map(({ stage, at: began }, at) => {
    const ends = run.timeline[at + 1]?.at;
    const goesOn = !ends && !ENDED.has(stage);
    const until = ends ? new Date(ends) : new Date();
    return { stage, began, at, goesOn, seconds: ends || goesOn ? Math.max(0, (until - new Date(began)) / 1000) : null };
  });
  const longest = Math.max(...rows.map((row) => row.seconds ?? 0), 1);
  return html`<ol class="timeline">${repeat(rows, (row) => row.at, (row) => stretch(row, longest))}</ol>`;
}

function stretch({ stage, began, seconds, goesOn }, longest) {
  const length = seconds === null ? nothing : html`${duration(seconds)}${goesOn ? " so far" : ""}`;
  return html`
    <li class=${goesOn ? "now" : ""}>
      <span class="stage">${stage}</span> <span class="quiet">${moment(began, true)}</span> <span class="length">${length}</span>
      ${seconds === null ? nothing : svg`<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width=${Math.max(0.5, (100 * seconds) / longest)} height="4"></rect></svg>`}
    </li>`;
}

// ---- the dataset

export function findings(run, report) {
  const files = [["training", run.training], ["validation", run.validation], ["assertions", run.assertions]].filter(([, file]) => file);
  return html`
    ${files.map(([role, file]) => html`
      <p>${role}: ${name(file.name)}
        <span class="quiet">${[file.examples === null ? "" : count(file.examples, "example"), size(file.size), file.share === "all" ? "" : `the ${file.share} part of it`].filter(Boolean).join(", ")}</span></p>`)}
    ${report ? found(run, read(report)) : html`<p class="quiet">No report yet.</p>`}`;
}

function read(report) {
  try {
    return JSON.parse(report);
  } catch {
    return null;
  }
}

const SEVERITY = { error: "bad", warning: "warning", advice: "active" };

function found(run, report) {
  if (!report) return html`<p class="quiet">Its report cannot be read.</p>`;
  const groups = [report, ...report.files].flatMap((part) => part.groups.map((group) => ({ ...group, file: part.name })));
  return html`
    <p>${badge(report.verdict, report.verdict === "accepted" ? "good" : "bad")}
      ${groups.length ? "" : "No findings."} <a href="#/runs/${encodeURIComponent(run.id)}/report">The whole report</a></p>
    <ul class="findings">${groups.map((group) => html`
      <li>${badge(group.severity, SEVERITY[group.severity])} <b>${text(group.title)}</b>
        <span class="quiet">${group.count > 1 ? `${number(group.count)} times` : ""}${group.file ? html` in ${name(group.file)}` : nothing}</span>
        <br><span class="quiet">${told(group.fix)}</span></li>`)}</ul>`;
}

// ---- cost

export function cost(run, report) {
  const price = report && read(report)?.price;
  const { bill, predicted } = run;
  return html`<div class="card">${facts([
    ["Predicted", predicted ? html`${predicted.at_most ? "at most " : ""}${usd(predicted.usd)} <span class="quiet">${number(predicted.tokens)} tokens</span>` : "not known yet"],
    ["Billed", bill ? html`${usd(bill.billed.usd)} <span class="quiet">${number(bill.billed.tokens)} tokens, ${apart(bill.difference)}</span>` : run.job_id || !ENDED.has(run.stage) ? "not told yet" : "nothing: there was no job"],
    ["Budget", run.spec.budget === null ? "none" : usd(run.spec.budget)],
    ["Hosting, used or not", price ? html`${usd(price.hosting_per_month)} <span class="quiet">a month as ${text(price.hosting_sku)}</span>` : null],
  ])}<p class="quiet">At list price, in USD.
    ${run.version ? html`<a href="#/models/${encodeURIComponent(run.model)}">What the model costs</a>` : nothing}</p></div>`;
}

function apart(difference) {
  if (difference === null) return "nothing to compare it with";
  const percent = Math.abs(difference * 100);
  if (percent < 0.05) return "as predicted";
  return `${percent.toFixed(1)} % ${difference > 0 ? "more" : "less"} than predicted`;
}

// ---- plan

const SAYS = { yes: "good", no: "bad", unknown: "warning" };

export function plan(made) {
  if (!made) return nothing;
  return html`
    <details class="card" ?open=${made.says !== "yes"}>
      <summary><h2>Plan</h2> ${badge(made.says, SAYS[made.says])}
        <span class="quiet">what the account${made.region ? html` in ${text(made.region)}` : nothing} said, ${when(made.at)}</span></summary>
      ${table("The plan", ["Question", "Answer", "Why"], made.answers, (answer) => answer.id, (answer) => [
        answer.id, badge(answer.says, answer.passes ? "warning" : SAYS[answer.says]),
        html`${told(answer.sentence)} ${answer.instead ? html`<span class="quiet">${told(answer.instead)}</span>` : nothing}`])}
    </details>`;
}

// ---- settings

export function settings({ spec, job_id: job, fine_tuned_model: model, deployment, attempt }) {
  const chosen = Object.entries(spec.hyperparameters).filter(([, value]) => value !== null).map(([key, value]) => `${key} ${value}`);
  return html`<div class="card">${facts([
    ["Base model", said(spec.base_model)],
    ["Method", said(spec.method)],
    ["Training type", said(spec.training_type)],
    ["Hyperparameters", chosen.length ? said(chosen.join(", ")) : "the service's own"],
    ["Seed", spec.seed],
    ["Deployment", said(`${spec.deployment.sku}, capacity ${spec.deployment.capacity}`)],
    ["Start", said(spec.start)],
    ["Release", said(`gate ${spec.release.gate}, promote ${spec.release.promote}, checkpoint ${spec.release.checkpoint}`)],
    ["Attempt", attempt > 1 ? attempt : null],
    ["Job", job && html`<code>${text(job)}</code>`],
    ["Trained model", model && html`<code>${text(model)}</code>`],
    ["Deployed as", deployment && html`<code>${text(deployment)}</code>`],
  ])}</div>`;
}

// ---- events

const KINDS = { command: "active", conflict: "warning", error: "bad", warning: "warning" };

function linesOf(log) {
  return (log ?? "").split("\n").filter(Boolean).map((line, at) => ({ ...read(line), line: at })).reverse();
}

// The last order, where it came to nothing: whoever gave it looks at the top of the page.
export function refusedOrder(log) {
  const last = linesOf(log).find((line) => line.kind === "command");
  return last?.message?.includes(" could not be carried out: ") ? told(last.message) : nothing;
}

export function events(log, page) {
  const lines = linesOf(log);
  if (!lines.length) return html`<p class="quiet">None yet.</p>`;
  const all = page.state.allEvents || lines.length <= SHOWN;
  return html`
    <div class="log" role="log" tabindex="0" aria-label="Events, the newest first"><ol class="events">
      ${repeat(all ? lines : lines.slice(0, SHOWN), (line) => line.line, (line) => html`
        <li>${line.at ? moment(line.at, true) : nothing} ${badge(line.kind ?? "not readable", KINDS[line.kind] ?? "quiet")}
          ${told(line.message)}
          ${line.who && line.who !== "tunedrop" ? html`<span class="quiet">by ${said(line.who)}${line.why ? html`: ${said(line.why)}` : nothing}</span>` : nothing}</li>`)}
    </ol></div>
    ${all ? nothing : html`<p><button @click=${() => {
      page.state.allEvents = true;
      page.update();
    }}>Show all ${number(lines.length)}</button></p>`}`;
}
