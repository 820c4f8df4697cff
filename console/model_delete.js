// Deleting a model or a version: first what it takes, then the name is typed.

import { ago, badge, button, html, nothing, said, text, usd } from "./parts.js";
import { askWhy } from "./ask_why.js";
import { at, below } from "./model_parts.js";

// A deletion that goes on, of the model.
export function goes({ deleting, deletion: order }) {
  if (!deleting) return nothing;
  return html`
    <div class="card attention" role="status">
      <p>${badge("being deleted", "warning")} since ${ago(deleting)}${order?.who ? html`, by ${said(order.who)}` : nothing}${order?.why ? html`: ${said(order.why)}` : nothing}.
        It answers no chat and takes no drop.</p>
      ${order?.waits ? html`<p class="quiet">${said(order.waits)}</p>` : nothing}
    </div>`;
}

// What would go is asked for, and shown at the end of the page. What was shown before is taken away
// first: where the answer does not come, there is nothing to be carried out.
export async function plan(page, model, version = null, datasets = false) {
  page.state.plan = null;
  page.update();
  const { body } = await page.api.post(`${below("models", model)}/delete`, { ...(version && { version }), datasets });
  page.state.plan = { ...body.plan, version, datasets };
  page.update();
  requestAnimationFrame(() => document.getElementById("plan")?.focus());
  return false;
}

export function deletion(model, page) {
  if (model.deleting) return nothing;
  const { plan: shown } = page.state;
  if (!shown) {
    return html`<h2>Delete</h2>
      <p class="quiet">What would go, and what would stay, is shown first.</p>
      <p>${button(page, "Delete the model", () => plan(page, model.name), { kind: "danger" })}</p>`;
  }
  return card(model, shown, page);
}

function card(model, shown, page) {
  const drop = () => {
    page.state.plan = null;
    page.update();
  };
  return html`
    <h2 id="plan" tabindex="-1">Delete ${said(shown.target)}</h2>
    <div class="card problem">
      ${shown.then.map((sentence) => html`<p>${text(sentence)}</p>`)}
      <div class="columns">
        ${items("Goes", shown.goes)}
        ${items("Stays", shown.stays)}
      </div>
      <p><label><input type="checkbox" .checked=${shown.datasets} ?disabled=${page.pending.size > 0}
        @change=${() => page.act("plan", () => plan(page, model.name, shown.version, !shown.datasets))}> its datasets as well</label></p>
      <p class="row">
        ${button(page, `Delete ${shown.target}`, () => carryOut(page, model.name, shown), { kind: "danger" })}
        <button @click=${drop}>Keep it</button>
      </p>
    </div>`;
}

function items(title, list) {
  return html`<div><h3>${title}</h3>${list.length ? html`<ul class="plain">${list.map(({ what, name, note, usd_per_month: month }) => html`
    <li>${text(what)} <code>${said(name)}</code> <span class="quiet">${text(note)}${month && !note ? `${usd(month)} a month` : nothing}</span></li>`)}</ul>` : html`<p class="quiet">nothing</p>`}</div>`;
}

// With the digest of what was shown: where there is something else by now, nothing is deleted.
async function carryOut(page, model, shown) {
  const why = await askWhy(page, {
    title: `Delete ${shown.target}?`,
    body: html`<p>This cannot be undone.</p>`,
    confirm: "Delete",
    type: shown.target,
  });
  if (why === null) return false;
  page.state.plan = null;
  const { digest, datasets, version } = shown;
  await page.api.post(`${below("models", model)}/delete`, { ...(version && { version }), datasets, digest, why });
  return `${version ? at(model, version) : model} is being deleted.`;
}
