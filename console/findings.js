// What a check has found, as cards: findings with lines and cures, the plan, the price; and what is
// another between two datasets. Knows how these are told, not where they come from.

import { badge, count, facts, html, name, nothing, number, said, size, table, tiles, usd } from "./parts.js";

const TONES = { error: "bad", warning: "warning", advice: "quiet" };
const SAYS = { yes: "good", no: "bad", unknown: "warning" };

// ---- the report

export function report({ files, groups }) {
  const parts = [[null, groups], ...files.map((file) => [file, file.groups])];
  const found = parts.some(([, list]) => list.length);
  return html`
    ${found ? nothing : html`<p>${badge("nothing found", "good")} The check has nothing to say against these files.</p>`}
    ${parts.filter(([, list]) => list.length).map(([file, list]) => html`
      <h3>${file ? name(file.name) : "The run as a whole"}</h3>
      ${list.map(finding)}`)}`;
}

function finding(group) {
  const lines = group.lines.map((line) => number(line)).join(", ");
  const more = group.count > group.lines.length && group.lines.length ? " …" : "";
  return html`
    <details class="card" ?open=${group.severity === "error"}>
      <summary>${badge(group.severity, TONES[group.severity])} <b>${said(group.title)}</b>
        <span class="quiet">${count(group.count, "place")}${lines ? html`, line ${lines}${more}` : nothing}</span></summary>
      <p>${said(group.why)}</p>
      <p><b>Cure:</b> ${said(group.fix)}</p>
      ${group.places.map((place) => html`
        <p>${place.line ? html`<b>line ${number(place.line)}</b>: ` : nothing}${said(place.message)}
          ${place.fix && place.fix !== group.fix ? html`<br><span class="quiet">${said(place.fix)}</span>` : nothing}</p>
        ${place.preview.map((row) => html`<pre>${marked(row)}</pre>`)}`)}
    </details>`;
}

function marked({ text: row, start, end }) {
  const letters = [...row];
  const part = (from, to) => said(letters.slice(from, to).join(""));
  return end > start ? html`${part(0, start)}<mark>${part(start, end)}</mark>${part(end)}` : said(row);
}

// ---- price and plan

export function price({ price: found, files }) {
  const examples = Object.fromEntries(files.map((file) => [file.role, file.examples]));
  const about = found.upper_bound ? "at most " : "";
  return tiles([
    ["training, at list price", `${about}${usd(found.training)}`, `${number(found.tokens)} tokens × ${count(found.epochs, "epoch")}${found.epochs_guessed ? ", a guess: the service chooses" : ""}`],
    ["hosting, a month", usd(found.hosting_per_month), found.hosting_sku],
    ["examples", number(examples.training), examples.validation ? `and ${number(examples.validation)} held out` : "none held out"],
  ]);
}

// What the account says: what is not a plain yes first, all of it on demand.
export function plan({ answers }) {
  const doubts = answers.filter((answer) => answer.says !== "yes" || answer.passes);
  return html`
    ${doubts.map(answered)}
    <details class="card"><summary>${doubts.length ? "All that the account was asked" : "Nothing stands in the way: what the account was asked"}</summary>
      ${table("What the account says", ["", "question", "answer"], answers, (answer) => answer.id, (answer) => [
        badge(answer.passes ? "waits" : answer.says, SAYS[answer.says]), said(answer.id), said(answer.sentence)])}
    </details>`;
}

function answered(answer) {
  return html`
    <div class="card ${answer.says === "no" && !answer.passes ? "problem" : "attention"}">
      <p>${badge(answer.passes ? "waits" : answer.says, SAYS[answer.says])} ${said(answer.sentence)}</p>
      ${answer.instead ? html`<p class="quiet">${said(answer.instead)}</p>` : nothing}
    </div>`;
}

export function files(list) {
  return table("What the drop is made of", ["file", "what it is", "size", "from"], list, (file) => file.path, (file) => [
    name(file.name), said(file.role), size(file.size),
    file.staged ? "your files" : html`${badge("lies there already", "warning")}`]);
}

export function spec({ base_model: base, method, training_type: tier, deployment, hyperparameters, seed, budget }) {
  const chosen = Object.entries(hyperparameters).filter(([, value]) => value !== null);
  return facts([
    ["base model", said(base)], ["method", method], ["training", tier],
    ["deployment", `${deployment.sku}, ${number(deployment.capacity)}k tokens a minute`],
    ["hyperparameters", chosen.map(([key, value]) => `${key} ${value}`).join(", ") || "the service chooses"],
    ["seed", seed], ["budget", budget === null ? null : usd(budget)]]);
}

// ---- two datasets

const KINDS = [
  ["added", "new", "new"], ["removed", "removed", "removed"], ["changed", "answered otherwise", "answered otherwise"],
  ["near", "almost the same", "almost the same"], ["conflicts", "in conflict with an answer that is still there", "in conflict"],
  ["repeated", "said once more", "said once more"], ["fewer", "said once less", "said once less"]];

export function difference(found) {
  if (found.same) return html`<p>The same ${count(found.unchanged, "example")} as in ${name(found.old.name)}, which lies there.</p>`;
  return html`
    <p>${count(found.new.examples, "example")}; in ${name(found.old.name)}, which lies there, ${number(found.old.examples)}. ${number(found.unchanged)} are the same.
      ${found.new.unread + found.old.unread ? "Lines that cannot be read were not compared." : ""}</p>
    ${KINDS.filter(([kind]) => found.kinds[kind].count).map(([kind, label]) => pairs(label, found.kinds[kind]))}`;
}

export function pairs(label, { count: many, shown }, open = false) {
  if (!many) return nothing;
  return html`
    <details class="card" ?open=${open}>
      <summary>${number(many)} ${label}</summary>
      ${shown.map(({ old, new: fresh }) => html`
        <div class="columns pair">${[["before", old], ["now", fresh]].filter(([, line]) => line).map(([when, line]) => html`
          <div><p class="quiet">${when}, line ${number(line.line)}</p>
            <p class="asks">${said(line.asks)}</p><p>${said(line.answers)}</p></div>`)}
        </div>`)}
      ${many > shown.length ? html`<p class="quiet">and ${number(many - shown.length)} more</p>` : nothing}
    </details>`;
}
