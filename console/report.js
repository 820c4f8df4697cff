// The report of a run's dataset, inside the console: fetched with the key, shown with its own look.

import { html, nothing, runLink, text } from "./parts.js";
import "./report_view.js";

export const title = "Dataset report";

const LONGEST_MS = 300_000; // a report changes only where its run is retried with another app
let kept = { id: "" };

export async function load(api, { id }) {
  if (kept.id !== id || !kept.report || Date.now() - kept.at > LONGEST_MS) {
    kept = { id, report: await api.text(`runs/${encodeURIComponent(id)}/report.html`), at: Date.now() };
  }
  return kept;
}

export function active({ report }) {
  return report === null;
}

export function view({ id, report }) {
  return html`
    <p class="row"><a href="#/runs/${encodeURIComponent(id)}">← Back to the run</a>
      ${report === null ? nothing : html`<button @click=${() => save(id, report)}>Save as a file</button>`}</p>
    ${report === null ? html`<p role="status">${runLink(id)} has no report yet: its dataset is being checked, or there is no such run.</p>`
      : html`<dataset-report .source=${report}></dataset-report>`}`;
}

function save(id, report) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([report], { type: "text/html" }));
  link.download = `${text(id)}-report.html`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
