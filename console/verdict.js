// Whether a run's version is better: the scores with their intervals, what has become worse with
// both answers side by side, how far it can be relied on, or why there is no verdict.

import { badge, count, ENDED, facts, html, nothing, number, runLink, said, short, stage, table, text } from "./parts.js";
import { below, toModel, verdict as inAWord } from "./model_parts.js";
import { intervals } from "./intervals.js";
import { regressions } from "./regressions.js";

const OUTCOMES = { win: ["better", "good"], loss: ["worse", "bad"], tie: ["not told apart", "warning"] };
const ROLES = { candidate: "the new version", champion: "the champion", base: "the base model" };

export const title = ({ id }) => `Verdict on ${short(id)}`;

const read = new Map(); // by run: {said, verdict}; it changes only with what the run says of it

export async function load(api, { id }) {
  const run = await api.get(`runs/${encodeURIComponent(id)}`);
  const known = read.get(run.id);
  if (known?.said === run.compared) return { run, verdict: known.verdict };
  const told = await api.text(`${below("runs", run.id)}/verdict.json`);
  const verdict = told ? JSON.parse(told) : null;
  read.set(run.id, { said: run.compared, verdict });
  return { run, verdict };
}

export function active({ run }) {
  return !ENDED.has(run.stage);
}

export function view({ run, verdict }, page) {
  return html`
    <p>${toModel(run.model, run.version)} · ${runLink(run.id)} ${stage(run)}</p>
    ${run.held ? html`<div class="card attention"><p>${badge("held", "warning")} ${said(why(run, verdict))}</p>${run.standing?.state === "candidate"
      ? html`<p><a href="#/${below("models", run.model)}">Promote it, or leave it</a></p>` : nothing}</div>` : nothing}
    ${verdict ? judged(verdict, run, page) : none(run)}`;
}

// Without the verdict's own sentence, which is told below.
function why({ held }, verdict) {
  return held.replace(verdict?.sentence ?? "", "").trim() || held;
}

// ---- without a verdict

function none(run) {
  if (run.compared) return html`<div class="card"><p>${inAWord(run)} ${said(run.compared)}</p></div>`;
  if (ENDED.has(run.stage)) {
    return html`<div class="card"><p>${badge("no verdict")} ${said(run.failure?.message ?? "Nothing was compared: the gate was off, or the run ended before it.")}</p></div>`;
  }
  const comparing = run.stage === "comparing";
  return html`<div class="card" role="status"><p>${comparing ? "Examples of the validation set are being asked." : "It is made when the version has been deployed: the run is not that far."}</p>
    ${comparing && run.waiting_for ? html`<p class="quiet">${said(run.waiting_for)}</p>` : nothing}</div>`;
}

// ---- the verdict

function judged(verdict, run, page) {
  return html`
    <div class="card">
      <p class="verdict">${outcome(verdict.overall)} ${said(verdict.sentence)}</p>
      ${facts([
        ["Examples scored", number(verdict.examples)],
        ["Notes", verdict.notes.length ? verdict.notes.map((note) => html`<p>${text(note)}</p>`) : nothing],
      ])}
    </div>
    ${verdict.contests.map((contest, at) => contested(contest, at, verdict, run, page))}
    <h2>Who was asked</h2>
    ${sides(verdict.sides)}
    <p class="quiet">Digest of all that it was made of: <code>${text(verdict.digest)}</code>. How it is decided:
      <code>docs/trust.md</code>.</p>`;
}

function outcome(name) {
  const [label, tone] = OUTCOMES[name] ?? [name, "quiet"];
  return badge(label, tone);
}

function contested(contest, at, verdict, run, page) {
  const { against, outcome: came, power_sentence: power } = contest;
  return html`
    <section>
      <h2>Against ${said(against.name)}, ${ROLES[against.role] ?? text(against.role)} ${outcome(came)}</h2>
      ${intervals(contest, verdict.sides[0].name)}
      <p>${number(contest.better)} of ${count(contest.primary.examples, "example")} are better, ${number(contest.worse)} worse${contest.left_out ? `; ${number(contest.left_out)} more count for nothing, as not both were asked` : ""}.
        ${said(power)}</p>
      ${regressions(contest, at, verdict, run, page)}
    </section>`;
}

function sides(list) {
  return table("Who was asked", ["Who", "Asked", "Failed", "Empty", "Cut off", "Tokens", "Median time"], list, (side) => side.role, (side) => [
    html`${said(side.name)} <p class="quiet">${ROLES[side.role] ?? text(side.role)}</p>`,
    html`${number(side.asked)}${side.not_asked ? html` <span class="quiet">of ${number(side.asked + side.not_asked)}</span>` : nothing}`,
    html`${number(side.failed)}${side.failures.map(({ reason, count: many }) => html`<p class="quiet">${number(many)} × ${text(reason)}</p>`)}`,
    number(side.empty), number(side.cut), number(side.completion_tokens),
    side.seconds === null ? "–" : `${number(side.seconds, 1)} s`,
  ]);
}

