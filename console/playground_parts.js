// What the playground shows: a turn with its answers, the composer, the set-up, the code.

import { command, count, html, nothing, number, repeat, said, text } from "./parts.js";
import { told } from "./run_words.js";
import { forget, keep, keptSetups, MOST_MODELS, pair, request, warnings } from "./setup.js";
import { LANGUAGES } from "./snippets.js";

const ADDRESS = new URL("v1", new URL("./", location.href)).href;

// ---- the conversation

export function turn({ user, answers }, last, acts) {
  return html`
    <article class="turn">
      <div class="asked"><span class="hidden">You: </span>${said(user)}</div>
      <div class="answers">${repeat(answers, (answer) => answer.model, (answer) => one(answer, acts))}</div>
      ${last && answers.every((answer) => answer.done) ? html`<p class="row"><button class="link" @click=${acts.back}>Take this turn back</button></p>` : nothing}
    </article>`;
}

function one(answer, acts) {
  return html`
    <section class="card answer" aria-label="Answer of ${answer.model}" aria-busy=${String(!answer.done)}>
      <h3>${text(answer.model)} ${answer.servedBy && answer.servedBy !== answer.model ? html`<span class="quiet">by ${text(answer.servedBy)}</span>` : nothing}</h3>
      <div class="said">${answer.text ? said(answer.text) : answer.done ? nothing : html`<span class="quiet">…</span>`}</div>
      ${answer.problem ? html`<div class="bad" role="alert"><p>${told(answer.problem.message)}</p>${answer.problem.fix ? html`<p>${told(answer.problem.fix)}</p>` : nothing}</div>` : nothing}
      <p class="quiet figures">${figures(answer)}</p>
      ${answer.done && answer.id && answer.text && !answer.stopped && !answer.problem ? rating(answer, acts) : nothing}
    </section>`;
}

function figures({ first, all, usage, ended, stopped, done, fallbackFor, text: words }) {
  const parts = [];
  if (first !== null) parts.push(`first word ${seconds(first)}`);
  if (done) parts.push(`in all ${seconds(all)}`);
  if (usage) parts.push(`${count(usage.prompt_tokens, "token")} in, ${number(usage.completion_tokens)} out`);
  if (usage && first !== null && done && all > first) parts.push(`${number(usage.completion_tokens / ((all - first) / 1000))} a second`);
  if (stopped) parts.push("stopped");
  if (ended) parts.push(ended);
  if (done && !words && !stopped && usage) parts.push("an empty answer");
  if (fallbackFor) parts.push(`in the place of ${fallbackFor}`);
  return text(parts.join(" · "));
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(ms < 9950 ? 2 : 0)} s`;
}

// ---- ratings that become data

function rating(answer, acts) {
  const { rated } = answer;
  const press = (kind) => () => acts.rate(answer, kind);
  const correct = () => {
    answer.correction ??= answer.text;
    acts.draw();
  };
  return html`
    <div class="row rating" role="group" aria-label="What you think of it">
      <button aria-pressed=${String(rated?.rating === "good")} ?disabled=${rated?.busy} @click=${press("good")}>Good</button>
      <button aria-pressed=${String(rated?.rating === "bad" && !rated.corrected)} ?disabled=${rated?.busy} @click=${press("bad")}>Bad</button>
      <button aria-expanded=${String(answer.correction !== undefined)} @click=${correct}>Correct …</button>
    </div>
    ${answer.correction === undefined ? nothing : correction(answer, acts)}
    <div role="status">${outcome(rated)}</div>`;
}

function correction(answer, acts) {
  const save = async () => {
    const words = answer.correction;
    await acts.rate(answer, "bad", words);
    if (!answer.rated.problem) answer.correction = undefined;
    acts.draw();
  };
  const leave = () => {
    answer.correction = undefined;
    acts.draw();
  };
  return html`
    <label>What it should have said
      <textarea rows="4" .value=${answer.correction} @input=${(event) => (answer.correction = event.target.value)}></textarea></label>
    <p class="row"><button class="primary" ?disabled=${answer.rated?.busy} @click=${save}>Save the correction</button><button @click=${leave}>Leave it</button></p>`;
}

function outcome(rated) {
  if (!rated || rated.busy) return nothing;
  if (rated.problem?.status === 404) return html`<p class="warning">Not remembered, so it cannot be rated: the answers of a model are kept where <code>TUNEDROP_REMEMBER</code> names it, and those of a base model never.</p>`;
  if (rated.problem) return html`<p class="warning">${told(rated.problem.message)} <span class="quiet">${told(rated.problem.fix)}</span></p>`;
  const became = rated.corrected ? "The correction is kept" : rated.rating === "good" ? "Kept as a good answer" : "Kept as a bad answer";
  return html`<p class="good">${became}. <a href="#/data/${encodeURIComponent(rated.model)}">The data of ${text(rated.model)}</a></p>`;
}

// ---- the question

export function composer(work, acts) {
  const key = (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    acts.send();
  };
  const typed = (event) => {
    work.question = event.target.value;
    acts.draw();
  };
  return html`
    <div class="card composer">
      <label>Your message <textarea rows="3" .value=${work.question} @input=${typed} @keydown=${key}></textarea></label>
      ${warnings(work.made, work.question).map((warning) => html`<p class="warning">${warning}</p>`)}
      <div class="row">
        ${work.running ? html`<button class="danger" @click=${acts.stop}>Stop</button>`
          : html`<button class="primary" ?disabled=${!work.question.trim() || !work.made.models.length} @click=${acts.send}>Send</button>`}
        <span class="quiet">Ctrl+Enter sends</span>
        ${work.turns.length ? html`<button class="link" @click=${acts.fresh}>New conversation</button>` : nothing}
      </div>
    </div>`;
}

// ---- the set-up

export function setUp(work, acts) {
  const { made } = work;
  const into = (key) => (event) => {
    made[key] = event.target.value;
    acts.draw();
  };
  return html`
    <section class="setup" aria-label="Set-up">
      <label>System message <textarea rows="3" .value=${made.system} @input=${into("system")} placeholder="None"></textarea></label>
      ${examples(made, acts)}
      <fieldset><legend>Parameters</legend>
        <div class="figures-in">
          ${figure("Temperature", "0", "2", "0.1", made.temperature, into("temperature"))}
          ${figure("Top p", "0", "1", "0.05", made.top_p, into("top_p"))}
          ${figure("Max tokens", "1", "", "1", made.max_tokens, into("max_tokens"))}
        </div>
        <label>Stop, one a line <textarea rows="1" .value=${made.stop} @input=${into("stop")}></textarea></label>
        <p><label><input type="checkbox" .checked=${made.json} @change=${(event) => {
          made.json = event.target.checked;
          acts.draw();
        }}> Answer in JSON</label></p>
        <p class="quiet">What is left empty is the service's own.</p>
      </fieldset>
      ${kept(work, acts)}
    </section>`;
}

function figure(label, min, max, step, value, into) {
  return html`<label>${label} <input type="number" inputmode="decimal" min=${min} max=${max || nothing} step=${step} .value=${value} @input=${into}></label>`;
}

export function models({ made }, choices, acts) {
  const choose = (at) => (event) => {
    const others = made.models.filter((_, index) => index !== at);
    const { value } = event.target;
    made.models = value && !others.includes(value) ? [...made.models.slice(0, at), value, ...made.models.slice(at + 1)] : others;
    acts.draw();
  };
  const rows = made.models.length < MOST_MODELS ? [...made.models, ""] : made.models;
  return html`<div class="models" role="group" aria-label="Side by side">${rows.map((chosen, at) => html`
    <label>${at ? "and" : "Model"} <select @change=${choose(at)}>
      <option value="" .selected=${!chosen}>${at ? "nobody else" : "choose"}</option>
      ${choices.map((group) => html`<optgroup label=${group.label}>${group.options.map((option) => html`
        <option value=${option.name} .selected=${option.name === chosen} ?disabled=${option.name !== chosen && made.models.includes(option.name)}>${text(option.label)}</option>`)}</optgroup>`)}
    </select></label>`)}</div>`;
}

function examples(made, acts) {
  const change = (pairs) => {
    made.pairs = pairs;
    acts.draw();
  };
  const swap = (at, by) => {
    const pairs = [...made.pairs];
    [pairs[at], pairs[at + by]] = [pairs[at + by], pairs[at]];
    change(pairs);
  };
  return html`
    <fieldset><legend>Examples, before the conversation</legend>
      ${repeat(made.pairs, (each) => each.key, (each, at) => html`
        <div class="pair" role="group" aria-label="Example ${at + 1}">
          <label>Question <textarea rows="2" .value=${each.user} @input=${(event) => (each.user = event.target.value)} @change=${acts.draw}></textarea></label>
          <label>Answer <textarea rows="2" .value=${each.assistant} @input=${(event) => (each.assistant = event.target.value)} @change=${acts.draw}></textarea></label>
          <p class="row">
            <button ?disabled=${at === 0} aria-label="Move example ${at + 1} up" @click=${() => swap(at, -1)}>↑</button>
            <button ?disabled=${at === made.pairs.length - 1} aria-label="Move example ${at + 1} down" @click=${() => swap(at, 1)}>↓</button>
            <button aria-label="Remove example ${at + 1}" @click=${() => change(made.pairs.filter((other) => other !== each))}>Remove</button>
          </p>
        </div>`)}
      <button @click=${() => change([...made.pairs, pair()])}>Add an example</button>
    </fieldset>`;
}

function kept(work, acts) {
  const names = [...keptSetups().keys()];
  const save = (event) => {
    event.preventDefault();
    const { setupname: field } = event.target.elements;
    keep(field.value.trim(), work.made);
    work.setup = field.value.trim();
    acts.draw();
  };
  const load = (event) => {
    work.setup = event.target.value;
    const found = keptSetups().get(work.setup);
    if (found) acts.use(found);
    else acts.draw();
  };
  return html`
    <details class="card" ?open=${names.length > 0}><summary>Set-ups in this browser</summary>
      ${names.length ? html`<label>Load <select @change=${load}>
        <option value="">choose</option>
        ${names.map((each) => html`<option value=${each} .selected=${each === work.setup}>${text(each)}</option>`)}
      </select></label>` : nothing}
      <form class="row" @submit=${save}>
        <label>Save as <input name="setupname" required maxlength="60" .value=${work.setup ?? ""} autocomplete="off"></label>
        <button>Save</button>
        ${work.setup ? html`<button type="button" @click=${() => {
          forget(work.setup);
          work.setup = "";
          acts.draw();
        }}>Forget</button>` : nothing}
      </form>
    </details>`;
}

// ---- the code

export function code(work, acts) {
  const [model] = work.made.models;
  if (!model) return nothing;
  const last = work.turns.at(-1);
  const asked = work.question || !last ? [work.turns, work.question || "Hello!"] : [work.turns.slice(0, -1), last.user];
  const body = request(work.made, model, ...asked);
  const shown = LANGUAGES[work.language](ADDRESS, body);
  return html`
    <details class="card"><summary>As code</summary>
      <label>For <select @change=${(event) => {
        work.language = event.target.value;
        acts.draw();
      }}>${Object.keys(LANGUAGES).map((each) => html`<option .selected=${each === work.language}>${each}</option>`)}</select></label>
      ${command(shown)}
    </details>`;
}
