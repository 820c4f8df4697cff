// How pages ask the app: with the key that was typed in, which stays in this tab, or with the
// browser's sign-in. Knows how to ask and what a refusal is, not what is asked.

const KEPT = "tunedrop.key"; // in the tab's own storage
const MAX_AGE = 60; // seconds: how old a list may be, while nothing was changed from here
const FRESH_MS = 90_000; // after a change from here: another instance may not know of it yet

// What the app or the network refused: a sentence, and what to do.
export class Problem extends Error {
  constructor(message, fix = "", status = 0, signIn = null) {
    super(message);
    Object.assign(this, { fix, status, signIn });
  }

  get needsSignIn() {
    return this.status === 401;
  }

  // Whether it may be another answer in a while, with nothing changed here.
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

// kind: app, a key with a role; host, a key of the Functions host. Without a key: the browser's sign-in.
const NOBODY = { key: "", kind: "app", chatKey: "" };

class Api {
  #with = NOBODY;
  #seen = new Map(); // what was read last, by path: {etag, data, at}
  #freshUntil = 0;
  person = null; // {name, role, by}

  constructor() {
    this.#with = { ...NOBODY, ...kept() };
  }

  // Who is signed in, as far as it can be told: the host's key has many holders and no name.
  get identity() {
    const { name, role, by } = this.person ?? {};
    return this.person && JSON.stringify([name, role, by, by === "host" && this.#with.key]);
  }

  holds(key) {
    return clean(key) === this.#with.key;
  }

  get mayCommand() {
    return this.person?.role === "operator";
  }

  // With a key of the host nobody may chat: that takes one of the app's.
  get mayChat() {
    return this.#with.kind !== "host" || Boolean(this.#with.chatKey);
  }

  set chatKey(key) {
    this.#use({ ...this.#with, chatKey: clean(key) });
  }

  // Whoever the key, or the browser's sign-in, says this is. Throws a Problem. A key that is refused
  // is not kept, and what was kept before it is; one that nobody could be asked about is kept.
  async signIn(key = this.#with.key) {
    const before = this.#with;
    const same = this.holds(key);
    this.person = null;
    this.#use({ ...(same ? before : NOBODY), key: clean(key), kind: "app" });
    try {
      this.person = await this.#who();
    } catch (problem) {
      if (problem.needsSignIn) this.#use(same ? NOBODY : before);
      throw problem;
    }
  }

  async #who() {
    if (this.#with.key) sendable(this.#with.key);
    try {
      return await this.get("me");
    } catch (problem) {
      if (!problem.needsSignIn) throw problem;
      // Whoever comes without a key was refused nothing: there is nothing to say.
      if (!this.#with.key) throw new Problem("", "", 401, problem.signIn);
      return await this.#hostsHolder(problem);
    }
  }

  async #hostsHolder(refused) {
    this.#use({ ...this.#with, kind: "host" });
    try {
      await this.get("models");
    } catch (problem) {
      if (!problem.needsSignIn) throw problem;
      const message = refused.message.includes("revoked") ? refused.message : "This key opens nothing here.";
      throw new Problem(message, refused.fix, 401, refused.signIn);
    }
    return { name: "a holder of the host's key", role: "operator", by: "host" };
  }

  signOut() {
    this.person = null;
    this.#use(NOBODY);
  }

  // What was read with another key is not for whoever holds this one.
  #use(words) {
    if (words.key !== this.#with.key) this.#seen.clear();
    this.#with = words;
    sessionStorage.setItem(KEPT, JSON.stringify(words));
  }

  // ---- asking

  // An object; the same one as before where the app says that nothing has changed, or where it is
  // younger than `every` milliseconds and nothing was changed from here.
  async get(path, { every = 0 } = {}) {
    const seen = this.#seen.get(path);
    if (seen && Date.now() >= this.#freshUntil && Date.now() - seen.at < every) return seen.data;
    const age = Date.now() < this.#freshUntil ? "no-cache" : `max-age=${MAX_AGE}`;
    const headers = { "cache-control": age, ...(seen?.etag && { "if-none-match": seen.etag }) };
    const response = await this.#ask(path, { headers });
    const data = response.status === 304 ? seen.data : await answered(() => response.json());
    this.#seen.set(path, { etag: response.headers.get("etag"), data, at: Date.now() });
    return data;
  }

  // A document as text; null where there is none.
  async text(path) {
    try {
      const response = await this.#ask(path);
      return await answered(() => response.text());
    } catch (problem) {
      if (problem.status === 404) return null;
      throw problem;
    }
  }

  // An order: {status, body}; 202 is one that is still being carried out.
  async post(path, body = {}) {
    const headers = { "content-type": "application/json" };
    return this.#change(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async put(path, blob) {
    return this.#change(path, { method: "PUT", body: blob });
  }

  async #change(path, options) {
    try {
      const response = await this.#ask(path, options);
      return { status: response.status, body: await answered(() => response.json()) };
    } catch (problem) {
      throw isLost(problem) ? lost(problem) : problem;
    } finally {
      this.#freshUntil = Date.now() + FRESH_MS;
    }
  }

  async #ask(path, options = {}) {
    const prefix = this.#with.kind === "host" ? "" : "manage/";
    const headers = { "x-tunedrop": "1", ...this.#credential(), ...options.headers };
    const response = await reach(prefix + path, { cache: "no-store", ...options, headers });
    if (!response.ok && response.status !== 304) throw await refusal(response);
    return response;
  }

  #credential() {
    const { key, kind } = this.#with;
    if (kind === "host") return { "x-functions-key": key };
    return key ? { "api-key": key } : {};
  }

  // A response of the chat's routes, which a caller reads as it comes. Throws a Problem.
  async chat(path, { signal, ...body } = {}) {
    const key = this.#with.chatKey || (this.#with.kind === "host" ? "" : this.#with.key);
    if (key) sendable(key);
    if (path === "feedback") this.#freshUntil = Date.now() + FRESH_MS;
    const headers = { "content-type": "application/json", ...(key && { "api-key": key }) };
    const sent = Object.keys(body).length ? { method: "POST", body: JSON.stringify(body) } : {};
    const response = await reach(path, { cache: "no-store", signal, headers, ...sent });
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

// As it was copied out of a chat or a document: without what has no width.
function clean(key) {
  return key.replace(/\p{Cf}/gu, "").trim();
}

// Throws a Problem for what no request can bear.
function sendable(key) {
  const odd = /[^\x20-\x7e\xa0-\xff]/u.exec(key);
  if (odd) throw new Problem(`This is no key: no key has ${JSON.stringify(odd[0])} in it.`, "Copy the key once more, alone.", 401);
}

function reach(path, options) {
  return answered(() => fetch(path, options));
}

// What `ask` brings, or a Problem where the connection is lost on the way.
async function answered(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The app does not answer.", "Try again in a moment.");
  }
}

// Whether an order was carried out is not known: no answer came, or one that is not the app's own.
function isLost({ status, fix }) {
  return status === 0 || (status >= 500 && !fix);
}

function lost({ message, status }) {
  return new Problem(`${message} What was ordered may have been carried out.`,
    "The page looks again: order it once more only where it was not done.", status);
}

async function refusal(response) {
  let error = {};
  try {
    ({ error } = await response.json());
  } catch {
    // not this app's: the platform's, or that of something between
  }
  const message = error?.message ?? `The app answered ${response.status}.`;
  return new Problem(message, error?.fix ?? "", response.status, error?.sign_in ?? null);
}

export const api = new Api();
