// What may be asked of a run, as buttons: the app says which of them it takes.

import { Problem } from "./api.js";
import { askWhy } from "./ask_why.js";
import { render } from "./lit/lit-html.js";
import { button, html, nothing, short, text, usd } from "./parts.js";
import { told } from "./run_words.js";

const SKUS = ["GlobalStandard", "DataZoneStandard", "Standard", "DeveloperTier"];
const LABELS = { start: "Start", pause: "Pause", resume: "Resume", retry: "Retry" };
const GIVEN = {
  start: "The run is started.",
  pause: "The job is being paused: it keeps its place.",
  resume: "The job goes on.",
  cancel: "The run is being ended.",
  retry: "The run is open again.",
};

function given(run, action) {
  if (action === "retry" && run.stage === "serving") return "Its deployment is looked at, and made again if it does not answer.";
  return GIVEN[action];
}

// `changed`: what is to happen once an order was given.
export function orders(run, page, changed) {
  const give = (action, body) => async () => {
    changed();
    await page.api.post(`runs/${encodeURIComponent(run.id)}/${action}`, body);
  };
  const { takes = [] } = run;
  const simple = Object.keys(LABELS).filter((action) => takes.includes(action));
  const label = (action) => (action === "retry" && run.stage === "serving" ? "Look after its deployment" : LABELS[action]);
  return html`
    <div class="row orders" role="group" aria-label="Orders">
      ${simple.map((action) => button(page, label(action), give(action), { done: given(run, action), kind: action === "start" || action === "resume" ? "primary" : "" }))}
      ${takes.includes("deploy") ? html`<button ?disabled=${!page.api.mayCommand} @click=${() => deploy(run, page, give)}>Deploy …</button>` : nothing}
      ${takes.includes("cancel") ? html`<button class="danger" ?disabled=${!page.api.mayCommand} @click=${() => cancel(run, page, give)}>Cancel …</button>` : nothing}
      <button class="danger" ?disabled=${!page.api.mayCommand} @click=${() => remove(run, page, changed)}>Delete …</button>
      ${page.api.mayCommand ? nothing : html`<span class="quiet">Orders need the role operator.</span>`}
    </div>`;
}

async function cancel(run, page, give) {
  const why = await askWhy(page, {
    title: `End ${short(run.id)}?`,
    body: html`<p>Its job and its deployment go; what was trained until then is lost, and Azure OpenAI bills what its job has done.</p>`,
    confirm: "End the run",
  });
  if (why !== null) await page.act("Cancel", give("cancel", { why }), GIVEN.cancel);
}

async function deploy(run, page, give) {
  const asked = { ...run.spec.deployment };
  const why = await askWhy(page, {
    title: `How ${run.version ? `${run.model}@${run.version}` : short(run.id)} is deployed`,
    body: html`
      <div class="stack">
        <label>SKU <select @change=${(event) => (asked.sku = event.target.value)}>
          ${[...new Set([asked.sku, ...SKUS])].map((sku) => html`<option .selected=${sku === asked.sku}>${text(sku)}</option>`)}
        </select></label>
        <label>Capacity, in thousands of tokens a minute
          <input type="number" min="1" step="1" required .value=${String(asked.capacity)} @input=${(event) => (asked.capacity = event.target.valueAsNumber)}></label>
        <p class="quiet">Nothing is trained again. What a deployment costs an hour depends on its SKU; one of DeveloperTier costs nothing by the hour and ends after a day.</p>
      </div>`,
    confirm: "Deploy so",
  });
  if (why !== null) await page.act("Deploy", give("deploy", { ...asked, why }), `Deployed as ${asked.sku} with capacity ${asked.capacity}, as soon as it may be.`);
}

// ---- deleting: the app says what would go, and only that is carried out

async function remove(run, page, changed) {
  const path = `runs/${encodeURIComponent(run.id)}/delete`;
  const wanted = { datasets: false, made: null, problem: null, place: document.createElement("div") };
  await page.act("Delete", () => planned(wanted, page, path));
  if (!wanted.made) return;
  const typed = run.version ? `${run.model}@${run.version}` : short(run.id);
  const why = await askWhy(page, { title: `Delete ${typed}?`, body: wanted.place, confirm: "Delete", type: typed });
  if (why === null) return;
  const { made, datasets, problem } = wanted;
  await page.act("Delete", async () => {
    if (!made) throw problem ?? new Problem("What would go is not known yet: nothing is deleted.", "Delete it once more.");
    changed();
    await page.api.post(path, { datasets, digest: made.digest, why });
  }, "It is being deleted, as the plan says.");
}

// What was shown before is taken away first: without a plan nothing is deleted.
async function planned(wanted, page, path) {
  const { datasets } = wanted;
  const { body } = await page.api.post(path, { datasets });
  const choose = async (event) => {
    Object.assign(wanted, { datasets: event.target.value === "go", made: null, problem: null });
    render(drawn(wanted, choose), wanted.place);
    try {
      await planned(wanted, page, path);
    } catch (problem) {
      wanted.problem = problem;
      render(drawn(wanted, choose), wanted.place);
    }
  };
  if (datasets !== wanted.datasets) return; // chosen otherwise meanwhile
  wanted.made = body.plan;
  render(drawn(wanted, choose), wanted.place);
}

function drawn({ made, datasets, problem }, choose) {
  return html`
    ${problem ? html`<p class="bad" role="alert">${told(problem.message)} What would go is not known: nothing is deleted.</p>` : nothing}
    ${made ? html`${items("Goes", made.goes)}${items("Stays", made.stays)}${made.then.map((sentence) => html`<p>${told(sentence)}</p>`)}` : nothing}
    <p><label>Dropped datasets <select @change=${choose}>
      <option value="stay" .selected=${!datasets}>stay</option>
      <option value="go" .selected=${datasets}>go as well</option>
    </select></label></p>`;
}

function items(title, list) {
  if (!list.length) return nothing;
  return html`<h3>${title}</h3><ul>${list.map((item) => html`
    <li>${text(item.what)} <code>${text(item.name)}</code>
      ${item.note ? html`<span class="quiet">${told(item.note)}</span>` : nothing}
      ${item.usd_per_month ? html`<span class="quiet">${usd(item.usd_per_month)} a month</span>` : nothing}</li>`)}</ul>`;
}
