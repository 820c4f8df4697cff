// Keys: who may use the app, what each key has used, and how one is created, limited, revoked.
//
// A key's text is in the answer that has created it and in this page until that is left; the list
// has none. It is loaded once: what is looked at again by itself costs reads of storage.

import { keyed } from "./lit/directives/keyed.js";
import { render } from "./lit/lit-html.js";
import { badge, command, count, empty, html, nothing, number, problems, repeat, said, table, text, when } from "./parts.js";

export const title = "Keys";
export const still = true;

const ROLES = {
  chat: "chat with models",
  reader: "chat, and see runs, models and costs",
  operator: "all of that, and give orders; create keys",
};
const HEADS = ["Name", "Role", "For", "Limits", "Used", ""];

export async function load(api) {
  const [keys, models] = await Promise.all([api.get("keys"), api.get("models")]);
  return { ...keys, models: models.models.map((model) => model.name) };
}

export function view(data, page) {
  const valid = data.keys.filter((key) => key.state === "valid");
  const revoked = data.keys.filter((key) => key.state === "revoked");
  const created = valid.some((key) => key.source === "created");
  return html`
    ${problems(data.problems)}
    ${page.state.created ? shownOnce(page) : nothing}
    ${created || data.problems.length ? nothing : empty("No key was created here yet. Create one for each program or person: it can be limited and revoked by itself, and tells what it uses.")}
    ${valid.length ? table("Valid keys", HEADS, valid, idOf, (key) => row(key, data, page)) : nothing}
    ${data.people.requests ? html`<p>People who have signed in, together: ${used(data.people, data.days)}</p>` : nothing}
    <h2>Create a key</h2>
    ${createForm(data, page)}
    ${older(revoked, data)}
    ${history(data.events)}`;
}

const idOf = (key) => `${key.source} ${key.name} ${key.id}`;

// ---- the list

function row(key, data, page) {
  const created = key.source === "created";
  return [
    html`<b>${said(key.name)}</b><p class="quiet">${created ? html`created ${when(key.since)} by ${said(key.by)}` : "in the setting TUNEDROP_APP_KEYS"}</p>`,
    badge(key.role, key.role === "operator" ? "warning" : "quiet"),
    modelsOf(key),
    limitsOf(key),
    used(key, data.days),
    created ? orders(key, data, page) : nothing,
  ];
}

function modelsOf({ models }) {
  if (!models) return "all models";
  return models.length ? models.map((name, at) => html`${at ? ", " : ""}${said(name)}`) : "no model";
}

function limitsOf(key) {
  const limits = [[key.requests_per_minute, "request"], [key.tokens_per_minute, "token"]].filter(([most]) => most);
  return limits.length ? limits.map(([most, unit]) => html`<p>${count(most, unit)} a minute</p>`) : html`<span class="quiet">none</span>`;
}

function used({ requests, tokens, usage, last_used: last }, days) {
  if (!requests) return html`<span class="quiet">not in ${count(days, "day")}</span>`;
  return html`
    <details>
      <summary>${count(requests, "request")}, ${count(tokens, "token")} in ${count(days, "day")}</summary>
      <table><caption class="hidden">By day and model</caption>
        <thead><tr><th scope="col">Day</th><th scope="col">Model</th><th scope="col">Requests</th><th scope="col">Tokens</th></tr></thead>
        <tbody>${repeat(usage, (one) => `${one.day} ${one.model}`, (one) => html`
          <tr><td data-head="Day">${one.day}</td><td data-head="Model">${said(one.model)}</td>
            <td data-head="Requests">${number(one.requests)}</td><td data-head="Tokens">${number(one.tokens)}</td></tr>`)}
        </tbody></table>
    </details>
    <p class="quiet">last ${when(last)}</p>`;
}

function older(revoked, { removed, days }) {
  if (!revoked.length && !removed.length) return nothing;
  return html`
    <h2>Not valid any more</h2>
    ${table("Revoked keys", ["Name", "Role", "Ended", "Used"], revoked, idOf, (key) => [
      said(key.name), key.role, html`revoked ${when(key.revoked.at)} by ${said(key.revoked.by)}`, used(key, days)])}
    ${removed.map((key) => html`<p>${said(key.name)}, in no list any more: ${used(key, days)}</p>`)}`;
}

function history(events) {
  if (!events.length) return nothing;
  return html`
    <h2>What was done with keys</h2>
    ${table("Events", ["When", "What", "By", "Why"], events.slice(0, 50), (event) => `${event.at} ${event.id} ${event.what}`, (event) => [
      when(event.at), html`${said(event.name)} ${event.what}`, said(event.who), event.why ? said(event.why) : nothing])}`;
}

// ---- orders

function orders(key, data, page) {
  const busy = page.pending.has(key.name);
  const path = `keys/${encodeURIComponent(key.name)}`;
  return html`<div class="row">
    <button ?disabled=${busy} @click=${() => limit(key, path, data, page)}>Change limits</button>
    <button class="danger" ?disabled=${busy} @click=${() => revoke(key, path, page)}>Revoke</button>
  </div>`;
}

async function limit(key, path, data, page) {
  const given = termsOf(key);
  const place = document.createElement("div"); // a question is drawn once
  const draw = () => render(html`<div class="stack">${termFields(given, data, draw)}</div>`, place);
  draw();
  const question = { title: `Limits of ${key.name}`, body: place, confirm: "Save" };
  if (!(await page.ask(question))) return;
  const changes = changed(termsOf(key), given);
  if (!Object.keys(changes).length) return;
  const done = `${key.name} has other limits, everywhere within five seconds.`;
  await page.act(key.name, () => page.api.post(`${path}/limit`, { ...changes, was: asShown(key) }), done);
}

async function revoke(key, path, page) {
  const body = html`<p>Whoever uses it is refused within five seconds; what is under way ends as it would have.
    A revoked key never comes back.</p>
    <p>${key.last_used ? html`It was used last ${when(key.last_used)}.` : "It was not used lately."}</p>`;
  const question = { title: `Revoke ${key.name}?`, body, confirm: "Revoke", type: key.name };
  if (!(await page.ask(question))) return;
  await page.act(key.name, () => page.api.post(`${path}/revoke`, { was: { id: key.id } }), `${key.name} is revoked.`);
}

// ---- a new one

function createForm(data, page) {
  const given = (page.state.given ??= { name: "", ...termsOf({}) });
  const chooseRole = (event) => {
    given.role = event.target.value;
    page.update();
  };
  const create = (event) => {
    event.preventDefault();
    page.act("create", async () => {
      const { body } = await page.api.post("keys", { name: given.name.trim(), role: given.role, ...terms(given) });
      Object.assign(page.state, { created: body, given: undefined });
    });
  };
  return keyed(given, html`
    <form class="card narrow stack" @submit=${create}>
      <label>Name <input name="name" required maxlength="64" pattern="[A-Za-z0-9]([A-Za-z0-9._@\\-]*[A-Za-z0-9])?" autocomplete="off" spellcheck="false"
        title="Letters, digits and . _ @ -, beginning and ending with a letter or a digit" .value=${given.name} @input=${into(given, "name")}></label>
      <label>May <select name="role" @change=${chooseRole}>
        ${Object.entries(ROLES).map(([role, may]) => html`<option value=${role} ?selected=${role === given.role}>${role}: ${may}</option>`)}
      </select></label>
      ${termFields(given, data, () => page.update())}
      <p><button class="primary" ?disabled=${page.pending.has("create")}>Create key</button></p>
    </form>`);
}

function shownOnce(page) {
  const { key, name, absent = [] } = page.state.created;
  const done = () => {
    page.state.created = null;
    page.update();
  };
  return html`
    <section class="card attention" role="status" aria-label="The new key">
      <p><b>The key ${said(name)}.</b> Copy it now: it is shown this once, and kept nowhere. A key that was lost is revoked, and another one created.</p>
      ${command(key)}
      ${absent.length ? html`<p class="bad">Nothing answers now as ${absent.map((model, at) => html`${at ? ", " : ""}${said(model)}`)}: is that the name?</p>` : nothing}
      <p class="quiet">Programs send it as <code>Authorization: Bearer KEY</code> or <code>api-key: KEY</code>, to <code>${text(new URL("v1", document.baseURI).href)}</code>.</p>
      <p><button @click=${done}>I have copied it</button></p>
    </section>`;
}

// ---- limits and models, as they are typed

// All models and no model are two things: which is meant is chosen, and not read out of an empty field.
function termFields(given, { models }, redraw) {
  const choose = (event) => {
    given.which = event.target.value;
    redraw();
  };
  const which = html`
    <label>Models <select name="which" @change=${choose}>
      <option value="all" ?selected=${given.which === "all"}>all, also those to come</option>
      <option value="some" ?selected=${given.which === "some"}>only these</option>
    </select></label>
    ${given.which === "some" ? namesField(given, models) : nothing}`;
  return html`
    ${given.role === "chat" ? which : html`<p class="quiet">For every model.</p>`}
    <label>Requests a minute <input name="requests" type="number" min="1" max="1000000000" .value=${given.requests} @input=${into(given, "requests")} placeholder="no limit"></label>
    <label>Tokens a minute <input name="tokens" type="number" min="1" max="1000000000" .value=${given.tokens} @input=${into(given, "tokens")} placeholder="no limit"></label>`;
}

function namesField(given, models) {
  return html`
    <label>Their names <input name="models" .value=${given.models} @input=${into(given, "models")} placeholder="none" autocomplete="off" spellcheck="false"></label>
    <p class="quiet">With commas between them; empty is no model.${models.length ? html` There are: ${models.map((name, at) => html`${at ? ", " : ""}${said(name)}`)}.` : nothing}</p>`;
}

const into = (given, field) => (event) => {
  given[field] = event.target.value;
};

function termsOf(key) {
  return { role: key.role ?? "chat", which: key.models ? "some" : "all", models: key.models?.join(", ") ?? "", requests: `${key.requests_per_minute ?? ""}`, tokens: `${key.tokens_per_minute ?? ""}` };
}

function terms({ role, which, models, requests, tokens }) {
  const names = models.split(",").map((name) => name.trim()).filter(Boolean);
  return {
    models: which === "all" || role !== "chat" ? null : names,
    requests_per_minute: requests ? Number(requests) : null,
    tokens_per_minute: tokens ? Number(tokens) : null,
  };
}

// What was typed over; all else stays as it is by then.
function changed(before, after) {
  const [was, is] = [terms(before), terms(after)];
  return Object.fromEntries(Object.entries(is).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(was[name])));
}

function asShown({ id, models, requests_per_minute, tokens_per_minute }) {
  return { id, models, requests_per_minute, tokens_per_minute };
}
