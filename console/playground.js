// Playground: one conversation with up to three models side by side.

import { Problem } from "./api.js";
import { html, nothing, problem } from "./parts.js";
import { code, composer, models, setUp, turn } from "./playground_parts.js";
import { MOST_MODELS, request, setup } from "./setup.js";
import { blank, stream } from "./stream.js";

export const title = "Playground";
export const still = true;

const AGAIN_MS = 1500; // what was said is remembered a moment after it was

let work = { of: "" }; // what is typed and said, for as long as this tab is open

export async function load(api, params, query) {
  if (!api.mayChat) return { refused: null, choices: null };
  try {
    const choices = await choicesOf(api);
    begin(api, choices, query);
    return { choices };
  } catch (refused) {
    if (!refused.needsSignIn) throw refused;
    return { refused, choices: null };
  }
}

// What this key may chat with, in groups: [{label, options: [{name, label}]}].
async function choicesOf(api) {
  const { data } = await (await api.chat("v1/models")).json();
  const names = data.map((each) => each.id);
  const { models } = await api.get("models").catch(() => ({ models: [] }));
  const tuned = models.filter((model) => names.includes(model.name));
  const groups = tuned.map((model) => ({ label: model.name, options: optionsOf(model) }));
  const known = new Set(groups.flatMap((group) => group.options.map((each) => each.name)));
  const others = names.filter((each) => !known.has(each)).map((each) => ({ name: each, label: each }));
  return others.length ? [...groups, { label: "Base models and others", options: others, base: true }] : groups;
}

function optionsOf({ name, champion, versions }) {
  const candidate = versions.some((version) => version.state === "candidate");
  return [
    ...(champion ? [{ name, label: `${name} (champion, @${champion})` }] : []),
    ...(candidate ? [{ name: `${name}@candidate`, label: `${name}@candidate` }] : []),
    ...versions.filter((version) => version.state !== "withdrawn").map((version) => (
      { name: `${name}@${version.version}`, label: `${name}@${version.version}, ${version.state}` })),
  ];
}

// Whoever else signs in at this tab begins anew.
function begin(api, choices, query) {
  const of = api.person?.name ?? "";
  if (work.of !== of) work = { of, made: setup(), turns: [], question: "", running: null, language: "curl" };
  const all = choices.flatMap((group) => group.options.map((each) => each.name));
  const asked = query.getAll("model").filter((each) => all.includes(each));
  if (asked.length) work.made.models = asked.slice(0, MOST_MODELS);
  work.made.models = work.made.models.filter((each) => all.includes(each));
  if (work.made.models.length) return;
  const tuned = choices.find((group) => !group.base)?.options[0];
  const base = choices.find((group) => group.base)?.options[0];
  work.made.models = [tuned, base].filter(Boolean).map((each) => each.name);
}

export function view({ refused, choices }, page) {
  if (!choices) return askForKey(refused, page);
  if (!choices.length) return html`<p>No model may be chatted with yet: a run makes the first. <a href="#/drop">Drop a dataset</a></p>`;
  const acts = actsOf(page);
  return html`
    <div class="playground">
      <section aria-label="Conversation">
        ${models(work, choices, acts)}
        ${work.turns.length ? nothing : html`<p class="quiet">Each of them answers, side by side; the conversation then goes on with all.</p>`}
        ${work.turns.map((each, at) => turn(each, at === work.turns.length - 1, acts))}
        <p class="hidden" role="status">${work.running ? "They answer." : work.turns.length ? "All have answered." : ""}</p>
        ${composer(work, acts)}
        ${code(work, acts)}
      </section>
      ${setUp(work, acts)}
    </div>`;
}

function askForKey(refused, page) {
  const given = async (event) => {
    event.preventDefault();
    page.api.chatKey = event.target.elements.chatkey.value;
    await page.refresh();
  };
  return html`
    <form class="card narrow stack" @submit=${given}>
      <p>With a key of the Functions host nobody may chat: that takes a key of the app (TUNEDROP_APP_KEYS, or one made under <a href="#/keys">Keys</a>).</p>
      ${refused ? problem(refused) : nothing}
      <label>App key <input name="chatkey" type="password" autocomplete="off" required spellcheck="false"></label>
      <p><button class="primary">Chat with it</button></p>
    </form>`;
}

// ---- what may be done

function actsOf(page) {
  let drawn = 0;
  const soon = () => {
    drawn ||= requestAnimationFrame(() => {
      drawn = 0;
      page.update();
    });
  };
  return {
    draw: () => page.update(),
    send: () => send(page, soon),
    stop: () => work.running?.abort(),
    fresh: () => reset([], ""),
    back: () => reset(work.turns.slice(0, -1), work.turns.at(-1)?.user ?? ""),
    rate: (answer, rating, correction) => rate(page, answer, rating, correction),
    use: (made) => Object.assign(work, { made: setup(made) }) && page.update(),
  };
  function reset(turns, question) {
    work.running?.abort();
    Object.assign(work, { turns, question: work.question.trim() ? work.question : question });
    page.update();
  }
}

async function send(page, changed) {
  const question = work.question;
  if (work.running || !question.trim() || !work.made.models.length) return;
  const before = work.turns;
  const answers = work.made.models.map(blank);
  const running = new AbortController();
  Object.assign(work, { running, question: "", turns: [...before, { user: question, answers }] });
  page.update();
  const asked = answers.map((answer) => stream(page.api, answer, request(work.made, answer.model, before, question), running.signal, changed));
  await Promise.all(asked);
  if (work.running === running) work.running = null;
  page.update();
}

async function rate(page, answer, rating, correction) {
  if (answer.rated?.busy) return;
  answer.rated = { rating, busy: true };
  page.update();
  const sent = { id: answer.id, rating, ...(correction && { correction }) };
  try {
    const { model } = await (await remembered(() => page.api.chat("feedback", sent))).json();
    answer.rated = { rating, model, corrected: Boolean(correction) };
  } catch (refused) {
    answer.rated = { problem: refused instanceof Problem ? refused : new Problem(String(refused)) };
  }
  page.update();
}

async function remembered(ask) {
  try {
    return await ask();
  } catch (refused) {
    if (refused.status !== 404) throw refused;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    return ask();
  }
}
