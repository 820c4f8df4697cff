// What pages are made of: texts of strangers as text, figures, times, tables, buttons, problems.
// Knows no page and no route.

import { html, nothing } from "./lit/lit-html.js";
import { repeat } from "./lit/directives/repeat.js";

export { html, nothing, repeat };

export const ENDED = new Set(["serving", "held", "rejected", "failed", "cancelled", "superseded"]);
export const LAPTOP = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

// ---- texts

// Text of strangers: what has no width or steers is written out, and so are, of the marks above and
// below one letter, those after the third, which would cover other rows.
export function text(value) {
  return String(value ?? "").replace(/(?![\u200c\u200d\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|(?<=\p{M}{3})\p{M}/gu,
    (mark) => `\\u${mark.codePointAt(0).toString(16).padStart(4, "0")}`);
}

// In an element of its own, so that its direction of writing changes nothing around it.
export function said(value) {
  return html`<bdi>${text(value)}</bdi>`;
}

// A blob's name: folder and file stay in this order, whatever direction each is written in.
export function name(path, longest = 80) {
  const letters = [...text(path).replace(/[\n\t]/g, " ")];
  const shown = letters.slice(0, longest).join("") + (letters.length > longest ? "…" : "");
  return html`${shown.split("/").map((part, at) => html`${at ? "/" : ""}<bdi dir="ltr">${part}</bdi>`)}`;
}

// A run's id as people see it: its model and eight of its digits, which every route takes.
export function short(id) {
  return id.replace(/-([0-9a-f]{8})[0-9a-f]*$/, "-$1");
}

export function runLink(id, below = "") {
  return html`<a href="#/runs/${encodeURIComponent(id)}${below}" title=${id}>${text(short(id))}</a>`;
}

export function modelLink(model, version = null) {
  const called = version ? `${model}@${version}` : model;
  return html`<a href="#/models/${encodeURIComponent(model)}">${text(called)}</a>`;
}

// ---- figures

export const number = (value, digits = 0) => (value === null || value === undefined ? "–"
  : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));

// Two digits after the point, and more where there would be nothing but noughts.
export function usd(value) {
  if (value === null || value === undefined) return "not known";
  if (value !== 0 && Math.abs(value) < 0.01) return "under $0.01";
  return `$${number(value, 2)}`;
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["bytes", "kB", "MB", "GB"];
  const at = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return at ? `${(bytes / 1000 ** at).toPrecision(3)} ${units[at]}` : `${bytes} bytes`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function when(moment) {
  if (!moment) return "–";
  const at = new Date(moment);
  return html`<time datetime=${at.toISOString()} title=${at.toISOString()}>${at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}</time>`;
}

// How long ago: for what is young.
export function ago(moment) {
  const seconds = (Date.now() - new Date(moment)) / 1000;
  return html`<time datetime=${new Date(moment).toISOString()} title=${new Date(moment).toLocaleString()}>${seconds < 60 ? "just now" : `${duration(seconds)} ago`}</time>`;
}

export function count(many, one, several = `${one}s`) {
  return `${number(many)} ${many === 1 ? one : several}`;
}

// ---- blocks

// A stage, a state or an outcome as a badge. Tones: good, bad, warning, active, quiet.
export function badge(label, tone = "quiet") {
  return html`<span class="badge ${tone}">${text(label)}</span>`;
}

export function stage(run) {
  return badge(run.stage, toneOf(run));
}

function toneOf({ stage: at, standing }) {
  if (!ENDED.has(at)) return "active";
  if (at === "serving") return !standing || standing.state === "champion" ? "good" : "quiet";
  return { held: "warning", rejected: "bad", failed: "bad" }[at] ?? "quiet";
}

export function problem({ message, fix }) {
  return html`<div class="card problem" role="alert"><p>${said(message)}</p>${fix ? html`<p class="quiet">${said(fix)}</p>` : nothing}</div>`;
}

export function problems(list = []) {
  return list.map(problem);
}

// What to do next where there is nothing yet: `laptop` and `azure` are templates.
export function empty(sentence, { laptop = nothing, azure = nothing } = {}) {
  return html`<div class="card empty"><p>${sentence}</p>${LAPTOP ? laptop : azure}</div>`;
}

export function command(line) {
  return html`<pre class="command"><code>${line}</code><button class="copy" @click=${(event) => copy(event, line)}>Copy</button></pre>`;
}

export async function copy({ currentTarget: button }, words) {
  await navigator.clipboard.writeText(words);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

// Rows are patched by their key. heads: texts; row: (item) => templates of its cells.
// On a phone each row is a block in which every cell has its head before it.
export function table(caption, heads, items, key, row) {
  return html`
    <div class="scroll"><table>
      <caption class="hidden">${caption}</caption>
      <thead><tr>${heads.map((head) => html`<th scope="col">${head || html`<span class="hidden">more</span>`}</th>`)}</tr></thead>
      <tbody>${repeat(items, key, (item) => html`
        <tr>${row(item).map((cell, at) => html`<td data-head=${heads[at]}>${cell}</td>`)}</tr>`)}
      </tbody>
    </table></div>`;
}

// Name and value, one below the other.
export function facts(pairs) {
  return html`<dl class="facts">${pairs.filter(([, value]) => value !== nothing && value !== null && value !== undefined && value !== "")
    .map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function tiles(pairs) {
  return html`<dl class="tiles">${pairs.map(([label, value, more]) => html`<div><dt>${label}</dt><dd>${value}</dd>${more ? html`<dd class="quiet">${more}</dd>` : nothing}</div>`)}</dl>`;
}

// A button that does `work` once at a time, for those who may; `danger` asks for attention.
export function button(page, label, work, { done = "", kind = "", disabled = false } = {}) {
  const busy = page.pending.has(label);
  return html`<button class=${kind} ?disabled=${busy || disabled || !page.api.mayCommand}
    title=${page.api.mayCommand ? "" : "This needs the role operator."}
    @click=${() => page.act(label, work, done)}>${busy ? `${label} …` : label}</button>`;
}
