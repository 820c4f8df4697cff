// Not made yet.

import { html } from "./parts.js";

export const title = "keys";
export const still = true;

export async function load() {
  return {};
}

export function view() {
  return html`<p>Not made yet.</p>`;
}
