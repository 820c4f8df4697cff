// Data: what lies in a model's folder, what its runs were made of, and rated answers on their way
// into the next dataset.

import { badge, button, count, empty, html, modelLink, name, nothing, number, problems, runLink, said, size, table, text, when } from "./parts.js";
import { pairs } from "./findings.js";
import * as staged from "./staged.js";

export const title = ({ name: model }) => `Data of ${model}`;

const COUNT_AGAIN_MS = 300_000; // all that is remembered of the model is read for it

// Counted when the page is opened, and while it stays open rarely.
export async function load(api, { name: model }, query, opens) {
  const path = `models/${encodeURIComponent(model)}/data`;
  const counted = await api.get(`${path}?rated=1`, { every: opens ? 0 : COUNT_AGAIN_MS });
  return opens ? counted : { ...(await api.get(path)), rated: counted.rated };
}

export function view(data, page) {
  return html`
    <p class="row">${modelLink(data.model)} <a class="button" href="#/drop?model=${encodeURIComponent(data.model)}">Drop a dataset</a></p>
    ${problems(data.problems)}
    <h2>What lies there</h2>
    ${lying(data)}
    <h2>What its runs were made of</h2>
    ${datasets(data)}
    <h2>Rated answers</h2>
    ${rated(data, page)}
    ${refusals(data.refused)}`;
}

function lying({ model, files, older }) {
  if (!files.length) {
    return empty(`No dataset of ${model} lies there.`, {
      laptop: html`<p><a href="#/drop">Drop one</a>, or <code>tunedrop push FOLDER</code>.</p>`,
      azure: html`<p><a href="#/drop">Drop one</a>, or put it into the container of datasets.</p>`,
    });
  }
  return html`
    ${table("What lies in the model's folder", ["file", "what it is", "examples", "size", "dropped", "run"], files, (file) => file.path, (file) => [
      name(file.path), said(file.role), file.role.endsWith("yaml") ? "–" : number(file.examples), size(file.size), when(file.dropped),
      file.run ? runLink(file.run) : html`<span class="quiet">${file.role === "run.yaml" ? "–" : "no run"}</span>`])}
    ${older.length ? html`<p class="quiet">Beside newer ones, and so left out: ${older.map((path) => html`${name(path)} `)}</p>` : nothing}`;
}

function datasets({ datasets: list }) {
  if (!list.length) return html`<p class="quiet">No run yet.</p>`;
  return table("Datasets of the model's runs", ["run", "version", "examples", "held out", "base model", "dropped"], list, (one) => one.run, (one) => [
    html`${runLink(one.run)} ${one.lies_there ? badge("lies there", "good") : nothing}`,
    one.standing ? html`${one.standing.version} ${badge(one.standing.state, one.standing.state === "champion" ? "good" : "quiet")}` : badge(one.stage),
    html`<span title="SHA-256 ${one.training.sha256}">${number(one.training.examples)}</span>`,
    one.validation ? number(one.validation.examples) : "–", said(one.base_model), when(one.dropped)]);
}

// ---- rated answers

const REASONS = {
  length: "cut off at a limit of tokens", "content-filter": "cut off by the content filter", unfinished: "ended before their end",
  "too-large": "too large to be remembered", "not-maskable": "could not be masked", rejected: "rejected by the check",
  same: "corrected to what they said already", unreadable: "cannot be read",
};

function rated({ model, files, remembered, rated: found }, page) {
  const examples = Math.max(0, ...Object.values(found?.examples ?? {}));
  if (!examples) {
    return empty(remembered ? `Nobody has rated an answer of ${model} yet.` : `Conversations with ${model} are not remembered, so no answer can be rated.`, {
      laptop: remembered ? html`<p>Rate answers in the <a href="#/playground">playground</a>.</p>` : html`<p>Start the stack with <code>TUNEDROP_REMEMBER=${text(model)}</code>.</p>`,
      azure: remembered ? html`<p>Rate answers in the <a href="#/playground">playground</a>, or by <code>POST /api/feedback</code>.</p>` : html`<p>Add ${text(model)} to the setting <code>TUNEDROP_REMEMBER</code>.</p>`,
    });
  }
  const left = Object.entries(found.left_out);
  const { state } = page;
  return html`
    <p>${count(found.examples.supervised, "rated answer")} can be an example${found.examples.dpo ? `, ${count(found.examples.dpo, "pair")} of a bad and a better answer a preference` : ""}.
      ${left.length ? html`<span class="quiet">Left out: ${left.map(([why, many]) => `${number(many)} ${REASONS[why] ?? why}`).join(", ")}.</span>` : nothing}</p>
    <form class="card" @submit=${(event) => event.preventDefault()}>
      <fieldset><legend>Where a rated answer contradicts the dataset</legend>
        ${[["base", "the dataset’s answer stands"], ["additions", "the new answer takes its place"], ["both", "both are kept"]].map(([value, label]) => html`
          <label class="row"><input type="radio" name="conflicts" value=${value} ?checked=${value === (state.conflicts ?? "base")}
            @change=${() => Object.assign(state, { conflicts: value })}> ${label}</label>`)}
      </fieldset>
      <div class="row">${button(page, "Merge into what lies there", () => merge(page), { disabled: !files.length })}
        ${files.length ? html`<span class="quiet">Nothing is dropped: you see what becomes of it first.</span>` : html`<span class="quiet">There is no dataset to merge into.</span>`}</div>
    </form>
    ${state.merged ? merged(state.merged) : nothing}`;
}

async function merge({ api, state, params }) {
  const id = staged.newId();
  state.merged = null;
  state.merged = await staged.merge(api, id, params.name, state.conflicts ?? "base");
}

const NOTED = {
  conflict: "in conflict", duplicate: "there already, left out", "held-out": "held out, not taken", earlier: "not taken, for a later one stands",
  unreadable: "not taken, for it is no example", near: "taken, and almost there already",
};

function merged(done) {
  const replaced = done.replaced ? `, ${number(done.replaced)} of them in the place of an old one` : "";
  return html`
    <div class="card" role="status">
      <p><b>${count(done.taken, "answer")} taken${replaced}: ${count(done.examples, "example")} now.</b>
        ${done.conflicts_left ? "Those in conflict were not taken; choose above what is to become of them." : ""}</p>
      <p><a class="button" href="#/drop?staged=${done.id}&model=${encodeURIComponent(done.model)}">Check it, and drop it</a></p>
    </div>
    ${Object.entries(NOTED).map(([why, label]) => pairs(label, done.noted[why], why === "conflict"))}`;
}

function refusals(refused) {
  if (!refused.count) return nothing;
  return html`
    <h2>Not taken</h2>
    ${table("Drops that were not taken", ["file", "why", "what to do"], refused.drops, (drop) => drop.name, (drop) => [
      name(drop.name), said(drop.message), html`${said(drop.fix)} ${drop.waits ? badge("looked at again by itself") : nothing}`])}`;
}
