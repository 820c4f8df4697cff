// A question before an order, with room for the reason, which is kept with the order.

import { html } from "./parts.js";

const LONGEST = 1000; // characters that the app takes

// What was written, or null where it was not confirmed.
export async function askWhy(page, { title, body, confirm, type, kind }) {
  let why = "";
  const asked = html`${body}
    <label class="why">Why (others will see it) <textarea rows="2" maxlength=${LONGEST} @input=${(event) => (why = event.target.value)}></textarea></label>`;
  return (await page.ask({ title, body: asked, confirm, type, kind })) ? why.trim() : null;
}
