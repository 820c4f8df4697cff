// A set-up of the playground: who is asked, and with what; the requests that it makes; and where it
// is kept in this browser. Knows no page.

const KEPT = "tunedrop.setups"; // in the browser, by name
const MOST_STOPS = 4; // that Azure OpenAI takes
export const MOST_MODELS = 3; // side by side

export const EMPTY = Object.freeze({
  models: [], system: "", pairs: [], temperature: "", top_p: "", max_tokens: "", stop: "", json: false,
});

let pairs = 0; // that were made: what a row is known by

export function pair(user = "", assistant = "") {
  return { key: ++pairs, user, assistant };
}

// Anything that was kept, as a set-up: what is no part of one is left out.
export function setup(kept = {}) {
  const words = (value) => (typeof value === "string" ? value : "");
  const list = (value) => (Array.isArray(value) ? value : []);
  return {
    models: list(kept.models).filter((each) => typeof each === "string").slice(0, MOST_MODELS),
    system: words(kept.system),
    pairs: list(kept.pairs).map((each) => pair(words(each?.user), words(each?.assistant))),
    temperature: words(kept.temperature), top_p: words(kept.top_p), max_tokens: words(kept.max_tokens),
    stop: words(kept.stop), json: kept.json === true,
  };
}

// ---- the request

// turns: [{user, answers: [{model, text, problem}]}]. Where a model has not answered a turn, the
// conversation goes on from what another has said.
export function request(made, model, turns, question) {
  const messages = [
    ...(made.system.trim() ? [{ role: "system", content: made.system }] : []),
    ...made.pairs.filter(complete).flatMap((each) => [{ role: "user", content: each.user }, { role: "assistant", content: each.assistant }]),
    ...turns.flatMap((turn) => asTurn(turn, model)),
    ...(question ? [{ role: "user", content: question }] : []),
  ];
  const stop = made.stop.split("\n").filter(Boolean).slice(0, MOST_STOPS);
  return {
    model, messages,
    ...figure("temperature", made.temperature), ...figure("top_p", made.top_p), ...figure("max_completion_tokens", made.max_tokens),
    ...(stop.length && { stop }),
    ...(made.json && { response_format: { type: "json_object" } }),
  };
}

function complete({ user, assistant }) {
  return user.trim() && assistant.trim();
}

function asTurn({ user, answers }, model) {
  const said = answers.filter((answer) => answer.text);
  const answer = said.find((each) => each.model === model) ?? said[0];
  return answer ? [{ role: "user", content: user }, { role: "assistant", content: answer.text }] : [];
}

function figure(key, value) {
  return value.trim() === "" || Number.isNaN(Number(value)) ? {} : { [key]: Number(value) };
}

// What will be refused, or will not be sent, in sentences.
export function warnings(made, question) {
  const { messages } = request(made, "", [], question);
  const found = [];
  if (made.json && !messages.some(({ content }) => /json/i.test(content))) found.push("For JSON the service wants the word JSON in a message, such as the system message.");
  const halves = made.pairs.filter((each) => !complete(each) && (each.user.trim() || each.assistant.trim())).length;
  if (halves) found.push("An example without its question or its answer is not sent.");
  if (made.stop.split("\n").filter(Boolean).length > MOST_STOPS) found.push(`Only the first ${MOST_STOPS} stop sequences are sent.`);
  return found;
}

// ---- kept in the browser

export function keptSetups() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT)) ?? {};
    return new Map(Object.entries(kept).map(([name, each]) => [name, setup(each)]));
  } catch {
    return new Map();
  }
}

export function keep(name, made) {
  write(new Map(keptSetups()).set(name, made));
}

export function forget(name) {
  const kept = keptSetups();
  kept.delete(name);
  write(kept);
}

function write(kept) {
  localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(kept)));
}
