// What stands around every page: navigation, who is signed in, what has gone wrong, questions.

import { html, nothing, render } from "./lit/lit-html.js";
import { problem, text } from "./parts.js";

const PLACES = [
  ["#/", "Home", ""],
  ["#/models", "Models", "models"],
  ["#/runs", "Runs", "runs"],
  ["#/playground", "Playground", "playground"],
  ["#/drop", "Drop", "drop"],
  ["#/keys", "Keys", "keys"],
];

export function frame({ page, api, body, offline, notice, signOut, signIn }) {
  const here = location.hash.replace(/^#\/?/, "").split(/[/?]/)[0].replace("data", "models");
  return html`
    <a class="skip" href="#main" @click=${skip}>To the content</a>
    <header class="bar">
      <a class="brand" href="#/"><img src="console/icon.svg" alt="" width="24" height="24"> Tunedrop</a>
      <nav aria-label="Pages">
        ${PLACES.filter(([, , name]) => api.person?.role !== "chat" || name === "playground").map(([href, label, name]) => html`
          <a href=${href} aria-current=${here === name ? "page" : "false"}>${label}</a>`)}
      </nav>
      ${api.person && !signIn ? html`
        <div class="who">
          <span title="signed in with ${api.person.by === "sign-in" ? "Entra" : "a key"}">${text(api.person.name)}, ${api.person.role}</span>
          <button class="link" @click=${signOut}>Sign out</button>
        </div>` : nothing}
    </header>
    <main id="main">
      <div role="status" aria-live="polite">
        ${offline ? html`<p class="banner warning">The app does not answer. What is shown may be old; the page tries again by itself.</p>` : nothing}
        ${notice ? html`<p class="banner good">${text(notice)}</p>` : nothing}
      </div>
      <h1 tabindex="-1">${text(signIn ? "Sign in" : page?.title ?? "")}</h1>
      ${page?.problem && !signIn ? problem(page.problem) : nothing}
      ${page?.loadProblem && !signIn && !offline ? problem(page.loadProblem) : nothing}
      ${body}
    </main>
    <dialog id="question" aria-labelledby="question-title"></dialog>`;
}

function skip(event) {
  event.preventDefault();
  document.querySelector("h1").focus();
}

export function signInForm({ problem: refused, at }, submit) {
  const given = async (event) => {
    event.preventDefault();
    const form = event.target;
    const { key } = form.elements;
    form.elements.go.disabled = true;
    await submit(key.value);
    form.elements.go.disabled = false;
  };
  return html`
    <div class="card narrow">
      ${refused?.message ? problem(refused) : nothing}
      ${at ? html`
        <p><a class="button" href="${at}?post_login_redirect_uri=${encodeURIComponent(location.pathname + location.hash)}">Sign in with Microsoft</a></p>
        <p class="quiet">or with a key:</p>` : nothing}
      <form class="stack" @submit=${given}>
        <label>Key <input name="key" type="password" autocomplete="off" required spellcheck="false"></label>
        <p class="quiet">An app key with the role operator or reader, or a key of the Functions host. It stays in
          this tab and is forgotten when you close it. On a laptop, <code>dev.py up</code> prints a link that signs in.</p>
        <p><button name="go" class="primary">Sign in</button></p>
      </form>
    </div>`;
}

// A question in the browser's own dialog, which keeps the keyboard inside.
export function dialog(question) {
  const box = document.getElementById("question");
  if (!box) return;
  if (!question) {
    if (box.open) box.close();
    return;
  }
  if (box.open) return;
  draw(box, question);
  box.showModal();
}

function draw(box, { title, body, confirm, type, kind = "danger", answer }) {
  const done = (confirmed) => {
    box.close();
    answer(confirmed);
  };
  const typed = (event) => {
    box.querySelector("[name=confirm]").disabled = event.target.value !== type;
  };
  box.oncancel = () => answer(false);
  const fresh = document.createElement("div"); // nothing of the last question is left in it
  box.replaceChildren(fresh);
  render(html`
    <form method="dialog" @submit=${(event) => {
      event.preventDefault();
      done(true);
    }}>
      <h2 id="question-title">${text(title)}</h2>
      ${body}
      ${type ? html`<label>Type <b>${text(type)}</b> to go on <input @input=${typed} autocomplete="off" spellcheck="false"></label>` : nothing}
      <div class="row end">
        <button type="button" @click=${() => done(false)}>Cancel</button>
        <button name="confirm" class=${kind} ?disabled=${Boolean(type)}>${text(confirm)}</button>
      </div>
    </form>`, fresh);
}
