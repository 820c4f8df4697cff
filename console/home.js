// Home: what needs a person, what runs, what it costs this month.

import { html, runLink, stage } from "./parts.js";

export const title = "Home";

export async function load(api) {
  return api.get("runs");
}

export function view({ runs }) {
  return html`${runs.map((run) => html`<p>${runLink(run.id)} ${stage(run)}</p>`)}`;
}
