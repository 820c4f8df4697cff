// Drop: files are chosen, checked by the app as a drop would be, and only then dropped.

import { badge, button, command, count, html, LAPTOP, name, nothing, problems, repeat, runLink, said, size, table, text, usd } from "./parts.js";
import * as cards from "./findings.js";
import * as staged from "./staged.js";
import "./report_view.js";

export const title = "Drop a dataset";

let kept = null; // what another page has staged
let awaited = ""; // the etag of a training set that was dropped, and of which no run is known yet

export async function load(api, params, query) {
  const [{ models }, { runs, refused }] = await Promise.all([api.get("models"), api.get("runs")]);
  const run = runs.find(({ training }) => training.etag === awaited);
  if (run) awaited = "";
  const id = query.get("staged");
  if (id && kept?.id !== id) kept = await api.get(`staged/${id}`);
  return { models, runs, refused, kept: id ? kept : null };
}

// The run of what was dropped is waited for.
export function active() {
  return awaited !== "";
}

export function view(data, page) {
  const { state } = page;
  if (data.kept && !state.id) Object.assign(state, { id: data.kept.id, kept: data.kept, model: page.query.get("model") ?? "" });
  state.files ??= [];
  state.model ??= page.query.get("model") ?? "";
  return html`
    ${state.dropped ? dropped(data, page) : html`
      ${state.kept ? keptFiles(page) : choice(data, page)}
      ${state.trial ? trial(state.trial, page) : nothing}`}
    ${refusals(data.refused)}`;
}

// ---- choosing

function choice(data, page) {
  const { state } = page;
  const faults = staged.faults(state.files, state.model);
  return html`
    <form class="card" @submit=${(event) => event.preventDefault()}>
      <label class="zone ${state.over ? "over" : ""}" @dragover=${(event) => over(event, page, true)} @dragleave=${(event) => over(event, page, false)}
        @drop=${(event) => taken(event, page)}>
        <b>Drag files or a model’s folder here</b>, or choose them
        <input type="file" multiple @change=${(event) => picked(event, page)}>
        <span class="quiet">JSONL with an example in each line; a run.yaml and a promptfooconfig.yaml, if you have them.
          They are checked first. Nothing is trained before you say so.</span>
      </label>
      ${state.files.length ? fileList(page) : nothing}
      <label class="short">For which model?
        <input list="models" .value=${state.model} autocomplete="off" spellcheck="false" @input=${(event) => change(page, { model: event.target.value.trim() })}>
      </label>
      <datalist id="models">${data.models.map((model) => html`<option value=${model.name}></option>`)}</datalist>
      ${staged.notes(state.files).map((note) => html`<p class="quiet">${text(note)}</p>`)}
      ${state.files.length && faults.length ? html`<ul class="quiet">${faults.map((fault) => html`<li>${text(fault)}</li>`)}</ul>` : nothing}
      <div class="row">${button(page, "Check", () => check(page), { kind: "primary", disabled: faults.length > 0 })}
        ${state.sending ? html`<span role="status">sending ${name(state.sending)}</span><progress aria-label="sending"></progress>` : nothing}
        ${state.checking ? html`<span role="status">checking</span><progress aria-label="checking"></progress>` : nothing}</div>
    </form>
    <details class="card"><summary>The same by the command line, for larger files as well</summary>
      ${command(LAPTOP ? "tunedrop push FOLDER" : `tunedrop push FOLDER --app ${location.origin} --storage https://ACCOUNT.blob.core.windows.net`)}</details>`;
}

function fileList(page) {
  const { files } = page.state;
  return html`
    <div class="scroll"><table>
      <caption class="hidden">The files that you have chosen</caption>
      <thead><tr><th scope="col">file</th><th scope="col">what it is</th><th scope="col">size</th><th scope="col"><span class="hidden">more</span></th></tr></thead>
      <tbody>${repeat(files, (file) => file.key, (file) => html`<tr>
        <td data-head="file">${name(file.name)}</td>
        <td data-head="what it is"><select aria-label="What ${text(file.name)} is" @change=${(event) => setRole(page, file, event.target.value)}>
          ${Object.entries(staged.ROLES).map(([role, { label }]) => html`<option value=${role} ?selected=${role === file.role}>${label}</option>`)}</select></td>
        <td data-head="size">${size(file.file.size)}</td>
        <td data-head=""><button type="button" aria-label="Remove ${text(file.name)}" @click=${() => change(page, { files: files.filter((one) => one !== file) })}>Remove</button></td>
      </tr>`)}</tbody></table></div>`;
}

// What another page has staged.
function keptFiles(page) {
  const { kept, id, model } = page.state;
  return html`
    <div class="card">
      <p>These files are staged for ${text(model)}; nothing is dropped yet.</p>
      ${table("Staged files", ["file", "what it is", "size"], kept.files, (file) => file.name, (file) => [name(file.name), said(file.role), size(file.size)])}
      <p>${button(page, "Check", () => judge(page, id, model), { kind: "primary" })}</p>
    </div>`;
}

// What was checked is another thing by now.
function change(page, changes) {
  Object.assign(page.state, changes, { trial: null, difference: null, whole: null });
  page.update();
}

function over(event, page, is) {
  event.preventDefault();
  if (page.state.over === is) return;
  page.state.over = is;
  page.update();
}

async function taken(event, page) {
  event.preventDefault();
  page.state.over = false;
  const { files, folder } = await staged.dragged(event.dataTransfer);
  add(page, files, folder);
}

function picked({ target }, page) {
  add(page, [...target.files]);
  target.value = ""; // or the same file, corrected, could not be chosen again
}

let keys = 0;

function add(page, chosen, folder = "") {
  const fresh = chosen.filter((file) => !staged.isClutter(file.name));
  const named = new Set(fresh.map((file) => file.name));
  const files = page.state.files.filter((file) => !named.has(file.file.name));
  for (const file of fresh) files.push({ ...staged.chosen(file, files), key: (keys += 1) });
  const model = page.state.model || (staged.MODEL.test(folder) ? folder : "");
  change(page, { files, model });
}

function setRole(page, file, role) {
  file.role = role;
  change(page, {});
}

// ---- checking

async function check(page) {
  const { state, api } = page;
  const { files, model } = state;
  try {
    const id = await staged.stage(api, files, (sending) => {
      state.sending = sending;
      page.update();
    });
    Object.assign(state, { id, sending: "", checking: true });
    page.update();
    await judge(page, id, model);
  } finally {
    Object.assign(state, { sending: "", checking: false });
  }
}

// What came of it is shown if it is still about the same files and model. `alone` stays as it was in
// the check that is shown.
async function judge(page, id, model, alone = Boolean(page.state.trial?.removes)) {
  const { state, api } = page;
  const trial = await staged.check(api, id, model, alone);
  const difference = trial.verdict === "refused" ? null : await staged.difference(api, id, model);
  if (state.id === id && state.model === model) Object.assign(state, { trial, difference, whole: null });
}

const VERDICTS = {
  accepted: ["good", "These files can be trained on."],
  rejected: ["bad", "The check rejects these files: a run of them would end at once. Correct what is named below, and choose the files again."],
  refused: ["bad", "No run would come of these files."],
};

function trial(found, page) {
  const [tone, sentence] = VERDICTS[found.verdict];
  return html`
    <section aria-labelledby="verdict">
      <h2 id="verdict">${badge(found.verdict, tone)} ${sentence}</h2>
      ${problems(found.refused.map((one) => ({ message: `${one.name}: ${one.message}`, fix: one.fix })))}
      ${found.report ? html`
        ${found.report.price ? cards.price(found.report) : nothing}
        ${found.known ? known(found.known) : nothing}
        ${found.ceilings ? html`<div class="card ${found.ceilings.waits ? "attention" : "problem"}"><p>${said(found.ceilings.message)}</p><p class="quiet">${said(found.ceilings.fix)}</p></div>` : nothing}
        ${cards.plan(found.plan)}
        ${dropIt(found, page)}
        <h2>What was found</h2>
        ${cards.report(found.report)}
        ${whole(found, page)}
        <h2>What is another</h2>
        ${page.state.difference ? cards.difference(page.state.difference) : html`<p class="quiet">No dataset lies in the folder of ${text(found.model)} to compare with.</p>`}` : nothing}
      <h2>What the drop is made of</h2>
      ${cards.files(found.files)}
      ${beside(found, page)}
      ${found.left_out.map((sentence) => html`<p class="quiet">${said(sentence)}</p>`)}
      ${found.spec ? cards.spec(found.spec) : nothing}
    </section>`;
}

// What lies in the folder already belongs to the drop, unless it is to go. The box is as the check
// that is shown was, also where another has failed.
function beside(found, page) {
  if (!found.removes && found.files.every((file) => file.staged)) return nothing;
  const { state } = page;
  return html`
    ${found.removes?.length ? html`<p>${badge("removed when you drop", "warning")} ${found.removes.map((path) => html`${name(path)} `)}</p>` : nothing}
    <label class="row"><input type="checkbox" .checked=${state.alone ?? Boolean(found.removes)} ?disabled=${page.pending.size > 0}
      @change=${(event) => judgeOtherwise(page, found.model, event.target.checked)}> Only these files: remove a validation set or run.yaml of an earlier drop that lies there</label>`;
}

function judgeOtherwise(page, model, alone) {
  const { state } = page;
  state.alone = alone; // what is asked for now
  page.act("Check", () => judge(page, state.id, model, alone).finally(() => (state.alone = null)));
}

function known(run) {
  return html`<div class="card attention"><p>${runLink(run.run)} is made of the same. ${said(run.told)}
    ${run.starts_over ? "Dropped again, it starts over." : "Dropped again, nothing is trained and nothing is paid for."}</p></div>`;
}

function dropIt(found, page) {
  if (found.verdict !== "accepted") return nothing;
  const trains = !found.known || found.known.starts_over;
  const cost = found.report.price.training;
  const label = trains ? `Drop and train${cost === null ? "" : ` for ${usd(cost)}`}` : "Drop it again";
  const manual = found.spec.start === "manual";
  return html`<div class="card row apart">
    <p>${found.plan.says === "no" ? "The account cannot do what these files ask for: the run would end as failed before anything is paid for."
      : manual ? "Its run.yaml wants a person to start it: nothing is paid for before that."
        : trains ? `Once it is dropped, ${found.model} is trained and paid for.` : ""}</p>
    ${button(page, label, () => drop(page, found), { kind: "primary", disabled: page.pending.has("Check") })}</div>`;
}

async function drop(page, found) {
  const { state, api } = page;
  if (found.removes?.length && !(await page.ask({
    title: `Drop for ${found.model}, and remove what lies there?`,
    body: html`<p>These files are removed: ${found.removes.map((path) => html`${name(path)} `)}</p>`,
    confirm: "Remove and drop",
  }))) return;
  const done = await staged.drop(api, found.id, found);
  const training = done.files.at(-1);
  Object.assign(state, { dropped: { ...done, training } });
  awaited = training.etag;
}

// The report as the command line and a run have it; fetched once somebody wants to see it.
function whole(found, page) {
  const { state, api } = page;
  if (!state.whole) {
    return button(page, "Show the whole report", async () => {
      state.whole = await api.text(`staged/${found.id}/report.html`);
    });
  }
  return html`
    <p><button @click=${() => saveAs(`${found.model}-report.html`, state.whole)}>Save the report as a file</button></p>
    <dataset-report .source=${state.whole}></dataset-report>`;
}

function saveAs(called, report) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([report], { type: "text/html" }));
  link.download = called;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- dropped

function dropped({ runs }, page) {
  const { training, model } = page.state.dropped;
  const run = runs.find((one) => one.training.etag === training.etag);
  return html`
    <div class="card" role="status">
      <h2>${badge("dropped", "good")} ${count(page.state.dropped.files.length, "file")} for ${text(model)}</h2>
      ${run ? html`<p>Its run is ${runLink(run.id)}.</p>` : html`<p>The app takes it once nothing in the folder has changed for a few seconds. <progress aria-label="waiting"></progress></p>`}
      <p class="row"><a class="button" href="#/data/${encodeURIComponent(model)}">The data of ${text(model)}</a>
        <button @click=${() => restart(page)}>Drop more</button></p>
    </div>`;
}

function restart(page) {
  awaited = "";
  page.state = {};
  if (page.query.has("staged")) location.hash = "#/drop";
  else page.update();
}

function refusals(refused) {
  if (!refused?.count) return nothing;
  return html`
    <h2>Not taken</h2>
    <p class="quiet">What was dropped, here or straight into storage, and is no run: ${count(refused.count, "file")}.</p>
    ${table("Drops that were not taken", ["file", "why", "what to do"], refused.drops, (drop) => drop.name, (drop) => [
      name(drop.name), said(drop.message), html`${said(drop.fix)} ${drop.waits ? badge("looked at again by itself") : nothing}`])}`;
}
