// The console: which page is shown, who is signed in, and when it is looked again.
//
// A page is a module with
//   title            a text, or (params) => text
//   load(api, params) => data, asked again and again while the page is shown; what is read by
//                    api.get is the same object as before where nothing has changed
//   view(data, page) => a template of lit; every text of strangers goes through parts.text
//   active(data)     optional: true while something goes on, so that it is looked every 3 s
//   still            optional: true for a page that is loaded once
// and gets as `page`: params, state (its own, for as long as it is shown), api, update() to show
// what has changed, refresh() to load again, act(name, work, done) for what a button does: once at
// a time, with `pending` and `problem`, and ask(question) for what needs a confirmation.

import { html, nothing, render } from "./lit/lit-html.js";
import { api, Problem } from "./api.js";
import { dialog, frame, signInForm } from "./frame.js";

const ACTIVE_MS = 3_000; // between two looks while something goes on
const IDLE_MS = 15_000; // and while nothing does; a page that nobody sees is not looked at
const LONGEST_MS = 60_000; // after the connection was lost

const PAGES = [
  ["", () => import("./home.js")],
  ["models", () => import("./models.js")],
  ["models/:name", () => import("./model.js")],
  ["runs", () => import("./runs.js")],
  ["runs/:id", () => import("./run.js")],
  ["runs/:id/report", () => import("./report.js")],
  ["runs/:id/verdict", () => import("./verdict.js")],
  ["playground", () => import("./playground.js")],
  ["drop", () => import("./drop.js")],
  ["data/:name", () => import("./data.js")],
  ["keys", () => import("./keys.js")],
];

const app = { page: null, offline: false, notice: "", signIn: null, question: null };
let timer = 0;
let looks = 0; // of the page that is shown: an older one's answer is not shown

class Page {
  constructor(module, params, query) {
    Object.assign(this, { module, params, query, api });
    Object.assign(this, { data: undefined, problem: null, state: {}, pending: new Set() });
  }

  get title() {
    const { title } = this.module;
    return typeof title === "function" ? title(this.params) : title;
  }

  update() {
    show();
  }

  async refresh() {
    await look();
  }

  // `work` is done once at a time; what it throws is shown. It may return a text that is said in
  // the place of `done`, or false where nothing is to be said.
  async act(name, work, done = "") {
    if (this.pending.has(name)) return;
    this.pending.add(name);
    Object.assign(app, { notice: "" });
    this.problem = null;
    show();
    let problem = null;
    try {
      const said = await work();
      app.notice = typeof said === "string" ? said : said === false ? "" : done;
    } catch (error) {
      problem = error;
    }
    this.pending.delete(name);
    if (app.page !== this) return;
    await look();
    if (problem) fail(problem);
    show();
  }

  // {title, body, confirm, type, kind} → whether it is confirmed; `type` is a name to be typed first,
  // `kind` the class of the button that confirms.
  ask(question) {
    return new Promise((resolve) => {
      const answer = (confirmed) => {
        app.question = null;
        show();
        resolve(confirmed);
      };
      app.question = { ...question, answer };
      show();
    });
  }
}

// ---- which page

function parse() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function matched(parts) {
  for (const [template, open] of PAGES) {
    const names = template.split("/").filter(Boolean);
    if (names.length !== parts.length) continue;
    const fits = names.every((name, at) => name.startsWith(":") || name === parts[at]);
    if (!fits) continue;
    const params = names.flatMap((name, at) => (name.startsWith(":") ? [[name.slice(1), parts[at]]] : []));
    return { open, params: Object.fromEntries(params) };
  }
  return null;
}

// A link may bring a key: it is taken out of the address at once, and is in no request.
function takeKey(query) {
  const key = query.get("key");
  if (!key) return null;
  query.delete("key");
  const rest = query.toString();
  history.replaceState(null, "", location.hash.split("?")[0] + (rest ? `?${rest}` : ""));
  return key;
}

async function go() {
  const { parts, query } = parse();
  const key = takeKey(query);
  if (key || (!api.person && !app.signIn)) await signIn(key ?? undefined);
  const found = matched(parts);
  const module = found ? await found.open().catch(unloaded) : { title: "Not found", still: true, load: () => ({}), view: lost };
  app.page = new Page(module, found?.params ?? {}, query);
  Object.assign(app, { notice: "", question: null });
  show();
  await look();
  document.querySelector("h1")?.focus();
}

// What a page needs could not be fetched: the connection is lost, or the app is another by now.
function unloaded() {
  const problem = new Problem("This page could not be loaded.", "Reload it in the browser.", -1);
  return { title: "Not loaded", still: true, load: () => Promise.reject(problem), view: () => nothing };
}

function lost() {
  return html`<p>There is no such page. <a href="#/">Home</a></p>`;
}

async function signIn(key) {
  try {
    await api.signIn(key);
    app.signIn = null;
  } catch (problem) {
    fail(problem);
  }
}

// ---- looking

async function look() {
  clearTimeout(timer);
  const { page } = app;
  const mine = ++looks;
  if (page && !app.signIn) {
    try {
      const data = await page.module.load(api, page.params, page.query);
      if (mine !== looks) return;
      Object.assign(page, { data, loadProblem: null });
      app.offline = false;
    } catch (error) {
      if (mine !== looks) return;
      fail(error, "loadProblem");
    }
  }
  show();
  plan();
}

let wait = 0; // milliseconds, while the connection is lost

function plan() {
  const { page } = app;
  clearTimeout(timer);
  if (!page || app.signIn || document.hidden || (page.module.still && page.data !== undefined)) return;
  const active = page.data !== undefined && page.module.active?.(page.data);
  wait = app.offline ? Math.min(LONGEST_MS, (wait || ACTIVE_MS) * 2) : 0;
  timer = setTimeout(look, wait || (active ? ACTIVE_MS : IDLE_MS));
}

// What was refused is shown where it belongs: who is not known signs in, a lost connection heals.
function fail(error, place = "problem") {
  const problem = error instanceof Problem ? error : new Problem("The page has a fault of its own.", String(error));
  if (!(error instanceof Problem)) console.error(error);
  if (problem.needsSignIn) app.signIn = { problem: api.person || problem.message.startsWith("This key") ? problem : null, at: problem.signIn };
  else if (problem.status === 0 && error instanceof Problem) app.offline = true;
  if (app.page) app.page[place] = problem;
}

// ---- showing

function show() {
  document.title = app.page ? `${app.page.title} · Tunedrop` : "Tunedrop";
  render(frame({ ...app, api, body: body(), signOut }), document.body);
  dialog(app.question);
}

function body() {
  const { page } = app;
  if (app.signIn) return signInForm(app.signIn, async (key) => {
    await signIn(key);
    await look();
  });
  if (!page) return nothing;
  if (page.data === undefined) return page.loadProblem ? nothing : html`<p class="quiet" role="status">Loading …</p>`;
  return page.module.view(page.data, page);
}

function signOut() {
  const bySignIn = api.person?.by === "sign-in";
  api.signOut();
  app.signIn = { problem: null, at: null };
  if (bySignIn) location.href = "/.auth/logout?post_logout_redirect_uri=/api/console";
  else show();
}

addEventListener("hashchange", go);
addEventListener("online", look);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
go();
