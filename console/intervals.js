// The scores of two sides and the interval of their difference, drawn: one row for each score.

import { badge, html, nothing, number, text } from "./parts.js";
import { svg } from "./lit/lit-html.js";

const WIDTH = 200; // units of the drawing, which is -100 to +100 points
const HEIGHT = 22;
const NAMES = {
  primary: "primary score", tool_calls: "tool calls", json_fields: "JSON fields", json_valid: "valid JSON",
  exact_match: "exact match", token_f1: "words in common", rouge_l: "words in order", length_ratio: "length",
  preferred: "nearer to the preferred", assertions: "assertions", judge: "the judge",
};

const points = (share) => number(100 * share, 1);
const signed = (share) => `${share > 0 ? "+" : ""}${points(share)}`;

export function intervals({ primary, metrics, against, confidence }, candidate) {
  const rows = [["primary", primary], ...Object.entries(metrics)];
  const reach = scale(rows);
  return html`
    <div class="scroll"><table class="intervals">
      <caption class="hidden">Scores of ${text(candidate)} and ${text(against.name)}, in points of 100</caption>
      <thead><tr><th scope="col">Score</th><th scope="col">${text(candidate)}</th><th scope="col">${text(against.name)}</th>
        <th scope="col">Difference, with its ${number(100 * confidence, 1)} % interval</th><th scope="col">Examples</th></tr></thead>
      <tbody>${rows.map(([name, one]) => row(name, one, reach, [candidate, against.name]))}</tbody>
    </table></div>`;
}

// The furthest that an interval goes, in points: 5, 10, 20, 50 or 100.
function scale(rows) {
  const furthest = 100 * Math.max(...rows.map(([, one]) => Math.max(Math.abs(one.low), Math.abs(one.high))));
  return [5, 10, 20, 50].find((reach) => furthest <= reach) ?? 100;
}

function row(name, one, reach, [candidate, other]) {
  const called = NAMES[name] ?? text(name);
  const words = `${signed(one.difference)} (${signed(one.low)} to ${signed(one.high)})`;
  return html`
    <tr class=${name === "primary" ? "primary" : ""}>
      <td data-head="Score">${called} ${name === "primary" ? badge("decides", "active") : one.decides ? html`<span class="quiet">in the primary</span>` : nothing}</td>
      <td data-head=${text(candidate)}>${points(one.candidate)}</td>
      <td data-head=${text(other)}>${points(one.other)}</td>
      <td data-head="Difference">${drawn(one, reach)}<span class="difference">${words}</span></td>
      <td data-head="Examples">${number(one.examples)}</td>
    </tr>`;
}

function drawn({ low, high, difference, outcome }, reach) {
  const x = (share) => WIDTH / 2 + ((100 * share) / reach) * (WIDTH / 2 - 4);
  const [from, to, middle] = [x(low), x(high), HEIGHT / 2];
  return html`<svg class="interval ${outcome}" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">${svg`
    <line class="zero" x1=${WIDTH / 2} x2=${WIDTH / 2} y1="0" y2=${HEIGHT}></line>
    <line class="span" x1=${from} x2=${Math.max(to, from + 1)} y1=${middle} y2=${middle}></line>
    <line class="end" x1=${from} x2=${from} y1=${middle - 5} y2=${middle + 5}></line>
    <line class="end" x1=${to} x2=${to} y1=${middle - 5} y2=${middle + 5}></line>
    <circle cx=${x(difference)} cy=${middle} r="4"></circle>`}</svg>`;
}
