// The console: which page is shown, who is signed in, and when it is looked again.
//
// A page is a module with
//   title            a text, or (params) => text
//   load(api, params, query, opens) => data, asked again and again while the page is shown, first
//                    with `opens`; what is read by api.get is the same object as before where
//                    nothing has changed
//   view(data, page) => a template of lit; every text of strangers goes through parts.text
//   active(data)     optional: true while something goes on, so that it is looked every 3 s
//   still            optional: true for a page that is loaded once
// and gets as `page`: params, state (its own at this address, until somebody else signs in or the tab
// is loaded anew), api, update() to show what has changed, refresh() to load again, act(name, work, done) for what a button does: once at
// a time, with `pending` and `problem`, and ask(question) for what needs a confirmation.

import { html, nothing, render } from "./lit/lit-html.js";
import { api, Problem } from "./api.js";
import { dialog, frame, signInForm } from "./frame.js";
import { problem as told } from "./parts.js";
import { opened, parse } from "./places.js";

const ACTIVE_MS = 3_000; // between two looks while something goes on
const IDLE_MS = 15_000; // and while nothing does; a page that nobody sees is not looked at
const LONGEST_MS = 60_000; // after the connection was lost

const app = { page: null, offline: false, notice: "", signIn: null, question: null };
const pages = new Map(); // that were shown, by address: what was typed there is not lost
let timer = 0;
let places = 0; // that were gone to: what an older one needed may come later
let looks = 0; // of the page that is shown: an older one's answer is not shown
let offered = null; // a key that a link has brought or that was typed, until it is answered for
let identity = null; // who has signed in at this document
let identifying = null;

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
    let words = "";
    try {
      const said = await work();
      words = typeof said === "string" ? said : said === false ? "" : done;
    } catch (error) {
      problem = error;
    }
    this.pending.delete(name);
    if (app.page !== this) return this.#elsewhere(problem, words);
    app.notice = words;
    await look();
    if (problem) fail(problem);
    show();
  }

  // Whoever has left the page before the answer is told where they are now.
  #elsewhere(problem, words) {
    if (problem instanceof Problem) problem.message = `${this.title}: ${problem.message}`;
    if (problem) fail(problem);
    else if (words) app.notice = `${this.title}: ${words}`;
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

// A link may bring a key: it is taken out of the address at once, and is in no request. Where that is
// another key than is used, the document is loaded anew: what one person has seen is not for the next.
function takeKey(query) {
  const key = query.get("key");
  if (!key) return;
  if (app.page && !api.holds(key)) {
    location.reload();
    return;
  }
  if (!app.page) offered = key;
  query.delete("key");
  const rest = query.toString();
  history.replaceState(null, "", location.hash.split("?")[0] + (rest ? `?${rest}` : ""));
}

async function go() {
  const mine = ++places;
  const { parts, query } = parse();
  takeKey(query);
  const { module, params } = await opened(parts);
  if (mine !== places) return;
  if (app.page) app.page.problem = null; // it was read
  app.page = pageAt(location.hash, module, params, query);
  app.notice = "";
  app.question?.answer(false);
  show();
  await look();
  document.querySelector("h1")?.focus();
}

function pageAt(address, module, params, query) {
  const before = pages.get(address);
  const page = before?.module === module ? before : new Page(module, params, query);
  pages.set(address, page);
  return Object.assign(page, { data: undefined, loadProblem: null });
}

// ---- who it is

// Asked before anything else, and again until there is an answer. Throws a Problem.
async function identify() {
  const refused = offered === null ? null : await refusalOf(offered);
  if (refused || !api.person) {
    await api.signIn().catch((problem) => {
      throw problem.needsSignIn && refused ? Object.assign(refused, { status: 401, signIn: problem.signIn }) : problem;
    });
  }
  if (identity && identity !== api.identity) {
    location.reload(); // what one person has seen is not for the next
    await new Promise(() => {});
  }
  identity = api.identity;
  app.signIn = null;
  app.page.problem = refused && new Problem(refused.message, `You are signed in as ${api.person.name}, as before.`);
}

// Why the key is not taken, or null where it is. Throws where that cannot be told.
async function refusalOf(key) {
  const another = !api.holds("") && !api.holds(key);
  try {
    await api.signIn(key);
    offered = null;
    if (another) app.notice = `Another key is used now: you are signed in as ${api.person.name}, ${api.person.role}.`;
    return null;
  } catch (problem) {
    if (problem.passes) throw problem;
    offered = null;
    return problem;
  }
}

// ---- looking

async function look() {
  clearTimeout(timer);
  const { page, signIn: asked } = app;
  const mine = ++looks;
  if (page && (!app.signIn || offered !== null)) {
    try {
      if (!api.person || offered !== null) await (identifying ??= identify().finally(() => (identifying = null)));
      if (mine !== looks) return;
      if (leadsToChat()) return;
      const data = await page.module.load(api, page.params, page.query, page.data === undefined);
      if (mine !== looks) return;
      Object.assign(page, { data, loadProblem: null });
      app.offline = false;
    } catch (error) {
      if (mine !== looks) return;
      fail(error, "loadProblem");
    }
  }
  show();
  if (asked && !app.signIn) document.querySelector("h1").focus();
  plan();
}

// Who may only chat has one page.
function leadsToChat() {
  if (api.person?.role !== "chat" || parse().parts.length) return false;
  location.replace("#/playground");
  return true;
}

let wait = 0; // milliseconds, while the connection is lost

function plan() {
  const { page } = app;
  clearTimeout(timer);
  const asks = app.signIn && offered === null;
  const rests = page?.module.still && page.data !== undefined && !app.offline;
  if (!page || asks || document.hidden || rests) return;
  wait = app.offline || !api.person ? Math.min(LONGEST_MS, (wait || ACTIVE_MS) * 2) : 0;
  timer = setTimeout(look, wait || (goesOn(page) ? ACTIVE_MS : IDLE_MS));
}

function goesOn({ data, module }) {
  try {
    return data !== undefined && module.active?.(data);
  } catch {
    return false; // the view of such data shows what is wrong
  }
}

// What was refused is shown where it belongs: who is not known signs in, a lost connection heals.
function fail(error, place = "problem") {
  const problem = error instanceof Problem ? error : fault(error);
  if (problem.needsSignIn) app.signIn = { problem, at: problem.signIn };
  else if (app.signIn) app.signIn = { ...app.signIn, problem };
  if (place === "loadProblem") app.offline = problem.status === 0;
  if (app.page) app.page[place] = problem;
}

function fault(error) {
  console.error(error);
  return new Problem("The page has a fault of its own.", String(error), -1);
}

// ---- showing

function show() {
  document.title = app.page ? `${app.page.title} · Tunedrop` : "Tunedrop";
  try {
    draw(body());
  } catch (error) {
    draw(told(fault(error)));
  }
  dialog(app.question);
}

function draw(body) {
  render(frame({ ...app, api, body, signOut }), document.body);
}

function body() {
  const { page } = app;
  if (app.signIn) return signInForm(app.signIn, (key) => {
    offered = key;
    return look();
  });
  if (!page) return nothing;
  if (page.data === undefined) return page.loadProblem ? nothing : html`<p class="quiet" role="status">Loading …</p>`;
  return page.module.view(page.data, page);
}

// The document is loaded anew: nothing of what was seen stays in it.
function signOut() {
  const bySignIn = api.person?.by === "sign-in";
  api.signOut();
  if (bySignIn) location.href = "/.auth/logout?post_logout_redirect_uri=/api/console";
  else location.reload();
}

addEventListener("pageshow", (event) => event.persisted && location.reload()); // as it was before signing out
addEventListener("hashchange", go);
addEventListener("online", look);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
go();
