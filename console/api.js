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
}

class Api {
  #key = "";
  #kind = ""; // app: a key with a role; host: a key of the Functions host; empty: the browser's sign-in
  #chatKey = "";
  #seen = new Map(); // what was read last, by path: {etag, data, at}
  #freshUntil = 0;
  person = null; // {name, role, by}

  constructor() {
    ({ key: this.#key = "", kind: this.#kind = "", chatKey: this.#chatKey = "" } = kept());
  }

  get mayCommand() {
    return this.person?.role === "operator";
  }

  // With a key of the host nobody may chat: that takes one of the app's.
  get mayChat() {
    return this.#kind !== "host" || Boolean(this.#chatKey);
  }

  set chatKey(key) {
    this.#chatKey = key.trim();
    this.#keep();
  }

  // Whoever the key, or the browser's sign-in, says this is. Throws a Problem.
  async signIn(key = this.#key) {
    [this.#key, this.#kind] = [key.trim(), "app"];
    if (!this.#key) this.#kind = "";
    try {
      this.person = await this.get("me");
    } catch (problem) {
      if (!(problem.needsSignIn && this.#key)) throw problem;
      await this.#signInAtHost(problem);
    }
    this.#keep();
    return this.person;
  }

  async #signInAtHost(refused) {
    this.#kind = "host";
    try {
      await this.get("models");
    } catch (problem) {
      if (!problem.needsSignIn) throw problem;
      this.signOut();
      throw new Problem("This key opens nothing here.", refused.fix, 401, refused.signIn);
    }
    this.person = { name: "a holder of the host's key", role: "operator", by: "host" };
  }

  signOut() {
    [this.#key, this.#kind, this.#chatKey, this.person] = ["", "", "", null];
    this.#seen.clear();
    sessionStorage.removeItem(KEPT);
  }

  #keep() {
    const words = { key: this.#key, kind: this.#kind, chatKey: this.#chatKey };
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
    const data = response.status === 304 ? seen.data : await response.json();
    this.#seen.set(path, { etag: response.headers.get("etag"), data, at: Date.now() });
    return data;
  }

  // A document as text; null where there is none.
  async text(path) {
    try {
      return await (await this.#ask(path)).text();
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
      return { status: response.status, body: await response.json() };
    } finally {
      this.#freshUntil = Date.now() + FRESH_MS;
    }
  }

  async #ask(path, options = {}) {
    const prefix = this.#kind === "host" ? "" : "manage/";
    const headers = { "x-tunedrop": "1", ...this.#credential(), ...options.headers };
    const response = await reach(prefix + path, { cache: "no-store", ...options, headers });
    if (!response.ok && response.status !== 304) throw await refusal(response);
    return response;
  }

  #credential() {
    if (this.#kind === "host") return { "x-functions-key": this.#key };
    return this.#key ? { "api-key": this.#key } : {};
  }

  // A response of the chat's routes, which a caller reads as it comes. Throws a Problem.
  async chat(path, { signal, ...body } = {}) {
    const key = this.#chatKey || (this.#kind === "host" ? "" : this.#key);
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

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The app does not answer.", "The page tries again by itself.");
  }
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
