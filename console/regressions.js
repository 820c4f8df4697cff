// Examples at which the new version is worse: the expected answer, and both answers side by side;
// whole answers come from where they were kept, when they are asked for.

import { count, html, nothing, number, said, text } from "./parts.js";
import { below } from "./model_parts.js";

const SHOWN = 5; // of a contest, until all are asked for

export function regressions(contest, at, verdict, run, page) {
  const { regressions: all, against } = contest;
  if (!all.length) return html`<p class="quiet">No example is worse by 10 points or more.</p>`;
  const key = `all ${at}`;
  const shown = page.state[key] ? all : all.slice(0, SHOWN);
  const names = [verdict.sides[0].name, against.name];
  const more = () => {
    page.state[key] = true;
    page.update();
  };
  return html`
    <h3>${all.length < contest.worse ? "The worst of what has become worse" : "What has become worse"}</h3>
    ${whole(run, page)}
    ${shown.map((one) => example(one, names, against.role, page))}
    ${shown.length < all.length ? html`<p><button @click=${more}>Show all ${count(all.length, "example")}</button></p>` : nothing}`;
}

function example(one, [candidate, other], role, page) {
  const answers = page.state.answers;
  const score = (share) => html`<span class="quiet">${number(100 * share, 1)} points</span>`;
  return html`
    <article class="card regression">
      <h4>Line ${number(one.line)} of the validation set</h4>
      <div class="sides">
        <div><h5>expected</h5><pre tabindex="0">${text(one.expected)}</pre></div>
        <div><h5>${said(candidate)} ${score(one.candidate)}</h5><pre tabindex="0">${text(answers?.of("candidate", candidate, one.line) ?? one.candidate_answer)}</pre></div>
        <div><h5>${said(other)} ${score(one.other)}</h5><pre tabindex="0">${text(answers?.of(role, other, one.line) ?? one.other_answer)}</pre></div>
      </div>
    </article>`;
}

// ---- whole answers

function whole(run, page) {
  const { answers } = page.state;
  if (answers === null) return html`<p class="quiet">The whole answers are not kept any more: what is quoted is masked and shortened.</p>`;
  if (answers) return html`<p class="quiet">Answers are whole; the expected ones are masked and shortened.</p>`;
  const fetched = async () => {
    const lines = await page.api.text(`${below("runs", run.id)}/answers.jsonl`);
    const model = await page.api.get(below("models", run.model));
    page.state.answers = lines === null ? null : new Answers(lines, model.versions);
    return false;
  };
  return html`<p class="quiet">Quotes are masked and shortened.
    <button class="link" ?disabled=${page.pending.has("answers")} @click=${() => page.act("answers", fetched)}>Show whole answers</button></p>`;
}

// Each line has the model that was asked: a version's by its fine-tuned model, the base's by none.
class Answers {
  constructor(lines, versions) {
    this.versions = new Map(versions.map((version) => [version.version, version.fine_tuned_model]));
    this.answers = new Map();
    const tuned = new Set(this.versions.values());
    for (const line of lines.split("\n").filter(Boolean)) {
      const { model, line: at, answer } = JSON.parse(line);
      const key = `${tuned.has(model) ? model : "base"} ${at}`;
      if (answer && !model.startsWith("judge ") && !this.answers.has(key)) this.answers.set(key, answer);
    }
  }

  // Undefined where it was not kept.
  of(role, called, line) {
    const model = role === "base" ? "base" : this.versions.get(Number(called.split("@").at(-1)));
    const answer = this.answers.get(`${model} ${line}`);
    if (!answer) return undefined;
    if (answer.failure) return `(failed: ${answer.failure})`;
    const calls = (answer.calls ?? []).map((call) => `${call.name}(${call.arguments})`);
    return [answer.text, ...calls].filter(Boolean).join("\n") || "(empty)";
  }
}

