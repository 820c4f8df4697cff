// Runs: the newest first, of one model or stage where that is asked for; and the drops that were
// not taken, each with its cure.

import { ago, command, count, duration, empty, ENDED, html, name, nothing, problems, runLink, stage, table, text } from "./parts.js";
import { move, told, waitsForAPerson } from "./run_words.js";

export const title = "Runs";

const STAGES = ["received", "ready", "checked", "uploaded", "submitting", "submitted", "training", "paused", "trained",
  "deploying", "probing", "comparing", "serving", "held", "rejected", "failed", "cancelled", "superseded"];
const GROUPS = [["active", STAGES.filter((each) => !ENDED.has(each))], ["ended", [...ENDED]]];

export async function load(api, params, query) {
  const asked = new URLSearchParams();
  for (const key of ["model", "stage", "after"]) {
    const value = query.get(key);
    if (value) asked.set(key, key === "stage" ? stagesOf(value) : value);
  }
  const found = await api.get(asked.size ? `runs?${asked}` : "runs");
  return { ...found, query };
}

function stagesOf(value) {
  return GROUPS.find(([label]) => label === value)?.[1].join(",") ?? value;
}

export function active({ runs }) {
  return runs.some((run) => !ENDED.has(run.stage) && !waitsForAPerson(run));
}

export function view(data, page) {
  const { runs, next, refused, query } = data;
  return html`
    ${filter(query, runs)}
    ${problems(data.problems)}
    ${runs.length ? list(runs) : none(query)}
    ${pager(query, next)}
    ${refused?.count ? notTaken(refused) : nothing}`;
}

// ---- what is asked for

function filter(query, runs) {
  const models = [...new Set(runs.map((run) => run.model))].sort();
  return html`
    <form class="row filter" role="search" aria-label="Runs" @submit=${asked}>
      <label>Model <input name="model" list="runs-models" .value=${query.get("model") ?? ""} autocomplete="off" spellcheck="false" size="18"></label>
      <datalist id="runs-models">${models.map((model) => html`<option value=${model}></option>`)}</datalist>
      <label>Stage <select name="stage">
        <option value="">all</option>
        ${[...GROUPS.map(([label]) => label), ...STAGES].map((each) => html`
          <option value=${each} .selected=${query.get("stage") === each}>${each}</option>`)}
      </select></label>
      <button>Show</button>
      ${query.get("model") || query.get("stage") ? html`<a href="#/runs">Show all</a>` : nothing}
    </form>`;
}

function asked(event) {
  event.preventDefault();
  const { model, stage: at } = event.target.elements;
  location.hash = address({ model: model.value.trim(), stage: at.value });
}

function address(asked) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  return query.size ? `#/runs?${query}` : "#/runs";
}

function pager(query, next) {
  const [model, at] = [query.get("model"), query.get("stage")];
  if (!next && !query.get("after")) return nothing;
  return html`<nav class="row" aria-label="Pages of the list">
    ${query.get("after") ? html`<a class="button" href=${address({ model, stage: at })}>Newest</a>` : nothing}
    ${next ? html`<a class="button" href=${address({ model, stage: at, after: next })}>Older</a>` : nothing}
  </nav>`;
}

// ---- what there is

function list(runs) {
  return table("Runs", ["Run", "Stage", "What is going on", "Examples", "Came", "Took"], runs, (run) => run.id, (run) => [
    whole(runLink(run.id)), stage(run), goesOn(run), examples(run), whole(ago(run.timeline[0].at)), whole(took(run))]);
}

const whole = (cell) => html`<span class="whole">${cell}</span>`; // in one line

function examples({ training, validation }) {
  if (training.examples === null) return "–";
  return `${training.examples.toLocaleString("en")}${validation?.examples ? ` + ${validation.examples.toLocaleString("en")}` : ""}`;
}

function took(run) {
  const times = run.timeline.map((moment) => new Date(moment.at));
  const end = ENDED.has(run.stage) ? times.at(-1) : new Date();
  return duration((end - times[0]) / 1000);
}

// One sentence: of whatever is most worth a look.
export function goesOn(run) {
  if (run.command) return html`${text(run.command.action)}, given by ${told(run.command.who)}`;
  if (run.failure) return told(run.failure.message);
  if (run.held && run.stage === "held") return told(run.held);
  if (waitsForAPerson(run)) return move(run).says;
  if (run.waiting_for) return told(run.waiting_for);
  if (run.standing) return told(run.standing.told);
  const { step, total_steps: total, train_loss: loss } = run.progress;
  if (run.stage !== "training" || step === null) return nothing;
  return html`<progress max=${total ?? 1} value=${total ? step : 0} aria-label="Training"></progress>
    step ${step}${total ? ` of ${total}` : ""}${loss === null ? "" : `, loss ${loss.toFixed(3)}`}`;
}

function none(query) {
  if (query.get("after")) return empty("No older runs.");
  if (query.get("model") || query.get("stage")) return empty(html`No run is like that. <a href="#/runs">Show all</a>`);
  return empty(html`Nothing was dropped yet. A run begins when a dataset is dropped: <a href="#/drop">drop one here</a>, or`, {
    laptop: command("tunedrop push examples/captain --watch"),
    azure: command("tunedrop push FOLDER --watch"),
  });
}

function notTaken({ drops, count: many }) {
  const more = many - drops.length;
  return html`
    <h2 id="not-taken">Not taken</h2>
    <p class="quiet">${many === 1 ? "1 file lies" : html`${count(many, "file")} lie`} in the container of datasets and made no run.</p>
    ${table("Drops that were not taken", ["File", "Why", "Came"], drops, (drop) => drop.name, (drop) => [
      name(drop.name),
      html`<p>${told(drop.message)}</p>${drop.fix ? html`<p class="quiet">${told(drop.fix)}</p>` : nothing}
        ${drop.waits ? html`<p class="quiet">The app looks again by itself.</p>` : nothing}`,
      ago(drop.at)])}
    ${more > 0 ? html`<p class="quiet">and ${count(more, "other")}; beside each lies its reason, as FILE.problem.txt.</p>` : nothing}`;
}
