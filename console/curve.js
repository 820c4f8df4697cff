// Losses as a picture: a line per step, marks per epoch, axes, and a cursor for mouse and keys.
// Knows numbers, nothing of runs.

import { html, nothing, svg } from "./lit/lit-html.js";

const POINTS = 500; // of a line; each is the mean of as many steps as it takes
const [LEFT, RIGHT, TOP, BOTTOM] = [48, 14, 14, 40];
const SHARE = 0.98; // of the losses that the axis shows, where the highest are far from the others

// curve: [{step, train_loss, valid_loss}]; epochs: [{step, train_loss, valid_loss, checkpoint}];
// best: the step of the best epoch; total: steps in all; at: the step of the cursor; moved(step).
export function curve({ curve: steps, epochs, best, total, at, moved }) {
  const box = scales(steps, epochs, total);
  if (!box) return html`<p class="quiet">No loss is known yet.</p>`;
  const known = cursorSteps(steps, epochs);
  const here = at === undefined ? undefined : nearest(known, at);
  const read = here === undefined ? "none" : reading(here, steps, epochs, best);
  const go = (event) => moved(keyed(event, known, here));
  const point = (event) => moved(nearest(known, box.stepAt(event)));
  return html`
    <div class="curve">
      <p class="hidden">${inWords(steps, epochs, best)}</p>
      <svg viewBox="0 0 ${box.width} ${box.height}" tabindex="0" role="slider" aria-label="Step of the losses"
          aria-valuemin=${known[0]} aria-valuemax=${known.at(-1)} aria-valuenow=${here ?? known[0]} aria-valuetext=${read}
          @keydown=${go} @pointermove=${point} @pointerdown=${point}>
        ${axes(box)}
        ${svg`<polyline class="train" points=${line(steps, "train_loss", box)}></polyline>
          <polyline class="valid" points=${line(steps, "valid_loss", box)}></polyline>`}
        ${single(steps, box)}
        ${epochs.map((epoch, index) => mark(epoch, index, epoch.step === best, box))}
        ${here === undefined ? nothing : svg`<line class="cursor" x1=${box.x(here)} x2=${box.x(here)} y1=${TOP} y2=${box.height - BOTTOM}></line>`}
      </svg>
      <p class="at">${here === undefined ? html`<span class="quiet">Point at a step, or use the arrow keys.</span>` : read}</p>
      <ul class="legend">
        <li><svg viewBox="0 0 24 10" width="24" height="10" aria-hidden="true"><line class="train" x1="0" x2="24" y1="5" y2="5"></line></svg> training loss${each(steps)}</li>
        <li><svg viewBox="0 0 24 10" width="24" height="10" aria-hidden="true"><line class="valid" x1="0" x2="24" y1="5" y2="5"></line><circle class="valid" cx="12" cy="5" r="3.5"></circle></svg> validation loss, in all after each epoch</li>
        ${epochs.some((epoch) => epoch.checkpoint) ? html`<li><svg viewBox="0 0 24 12" width="24" height="12" aria-hidden="true"><path class="checkpoint" d=${diamond(12, 6)}></path></svg> checkpoint</li>` : nothing}
      </ul>
    </div>`;
}

function each(steps) {
  const many = Math.ceil(steps.length / POINTS);
  return many > 1 ? ` (each point is the mean of ${many} steps)` : "";
}

// ---- scales

function scales(steps, epochs, total) {
  const losses = [...steps, ...epochs].flatMap((each) => [each.train_loss, each.valid_loss]).filter(Number.isFinite);
  if (!losses.length) return null;
  const narrow = innerWidth < 700;
  const [width, height] = narrow ? [360, 260] : [900, 320];
  const last = Math.max(total ?? 0, ...steps.slice(-1).map((each) => each.step), ...epochs.map((epoch) => epoch.step), 1);
  const [low, high] = range(losses);
  const first = Math.min(1, ...steps.slice(0, 1).map((each) => each.step));
  const x = (step) => round(LEFT + ((step - first) / Math.max(last - first, 1)) * (width - LEFT - RIGHT));
  const y = (loss) => round(Math.max(TOP, TOP + ((high - loss) / (high - low)) * (height - TOP - BOTTOM)));
  const stepAt = (event) => {
    const { left, width: shown } = event.currentTarget.getBoundingClientRect();
    return first + ((((event.clientX - left) / shown) * width - LEFT) / (width - LEFT - RIGHT)) * (last - first);
  };
  return { width, height, low, high, first, last, x, y, stepAt, narrow };
}

// Some losses of the first steps may be far above all others: they are cut at the upper edge.
function range(losses) {
  const sorted = [...losses].sort((one, other) => one - other);
  const low = sorted[0];
  const usual = sorted[Math.floor((sorted.length - 1) * SHARE)];
  const high = sorted.at(-1) - low > 3 * (usual - low) && usual > low ? usual : sorted.at(-1);
  if (high === low) return [low - 0.5, high + 0.5];
  const air = (high - low) * 0.06;
  return [Math.max(0, low - air), high + air];
}

const round = (value) => Math.round(value * 10) / 10;

// Figures for an axis: about as many as asked for, each a round one.
export function ticks(low, high, about) {
  const raw = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const width = [1, 2, 5, 10].map((many) => many * power).find((candidate) => candidate >= raw);
  const first = Math.ceil(low / width - 1e-9);
  return Array.from({ length: Math.floor(high / width + 1e-9) - first + 1 }, (_, at) => (first + at) * width);
}

// ---- what is drawn

function axes({ width, height, low, high, first, last, x, y, narrow }) {
  const floor = height - BOTTOM;
  const losses = ticks(low, high, 5);
  const digits = Math.max(0, Math.ceil(-Math.log10(losses[1] - losses[0] || 1) - 1e-9));
  const steps = ticks(first, last, narrow ? 4 : 8).filter((step) => Number.isInteger(step) && step >= first);
  return svg`
    ${losses.map((loss) => svg`<line class="grid" x1=${LEFT} x2=${width - RIGHT} y1=${y(loss)} y2=${y(loss)}></line>
      <text x=${LEFT - 6} y=${y(loss) + 4} text-anchor="end">${loss.toFixed(digits)}</text>`)}
    ${steps.map((step) => svg`<text x=${x(step)} y=${floor + 16} text-anchor="middle">${step}</text>`)}
    <line class="axis" x1=${LEFT} x2=${width - RIGHT} y1=${floor} y2=${floor}></line>
    <text x=${(LEFT + width - RIGHT) / 2} y=${height - 6} text-anchor="middle">step</text>
    <text x="4" y=${TOP - 3}>loss</text>`;
}

function line(steps, key, { x, y }) {
  return thinned(steps.filter((each) => Number.isFinite(each[key])), key).map(([step, loss]) => `${x(step)},${y(loss)}`).join(" ");
}

function thinned(known, key) {
  const many = Math.ceil(known.length / POINTS);
  if (many <= 1) return known.map((each) => [each.step, each[key]]);
  return Array.from({ length: Math.ceil(known.length / many) }, (_, at) => {
    const part = known.slice(at * many, (at + 1) * many);
    return [part.at(-1).step, part.reduce((sum, each) => sum + each[key], 0) / part.length];
  });
}

// A line through one point is none: it is shown as a dot.
function single(steps, { x, y }) {
  return ["train_loss", "valid_loss"].map((key) => {
    const known = steps.filter((each) => Number.isFinite(each[key]));
    if (known.length !== 1) return nothing;
    return svg`<circle class=${key.slice(0, 5)} cx=${x(known[0].step)} cy=${y(known[0][key])} r="3.5"></circle>`;
  });
}

function mark(epoch, index, isBest, { x, y, height, width }) {
  const floor = height - BOTTOM;
  const at = x(epoch.step);
  const anchor = at > width - 60 ? "end" : "middle";
  return svg`<g class=${isBest ? "epoch best" : "epoch"}>
    <line class="grid dashed" x1=${at} x2=${at} y1=${TOP} y2=${floor}></line>
    ${epoch.valid_loss === null ? nothing : svg`<circle class="valid" cx=${at} cy=${y(epoch.valid_loss)} r=${isBest ? 6 : 4}></circle>`}
    ${epoch.checkpoint ? svg`<path class="checkpoint" d=${diamond(at, floor)}></path>` : nothing}
    <text x=${at} y=${TOP + 10 + (index % 2) * 14} text-anchor=${anchor}>epoch ${index + 1}${isBest ? ", best" : ""}</text>
  </g>`;
}

function diamond(x, y) {
  return `M${x} ${y - 6}l6 6l-6 6l-6 -6z`;
}

// ---- what is said

function cursorSteps(steps, epochs) {
  return [...new Set([...steps, ...epochs].map((each) => each.step))].sort((one, other) => one - other);
}

function nearest(known, step) {
  return known.reduce((best, each) => (Math.abs(each - step) < Math.abs(best - step) ? each : best), known[0]);
}

function keyed(event, known, here) {
  const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
  const by = moves[event.key];
  if (by === undefined) return here;
  event.preventDefault();
  const at = here === undefined ? (by > 0 ? -1 : known.length) : known.indexOf(here);
  return known[Math.max(0, Math.min(known.length - 1, at + by))];
}

function reading(here, steps, epochs, best) {
  const point = steps.find((each) => each.step === here);
  const index = epochs.findIndex((epoch) => epoch.step === here);
  const epoch = epochs[index];
  const losses = [["training", point?.train_loss ?? epoch?.train_loss], ["validation", point?.valid_loss ?? epoch?.valid_loss]]
    .filter(([, loss]) => Number.isFinite(loss)).map(([label, loss]) => `${label} loss ${loss.toFixed(4)}`);
  const ends = epoch ? `, the end of epoch ${index + 1}${here === best ? ", the best" : ""}${epoch.checkpoint ? ", a checkpoint" : ""}` : "";
  return `Step ${here}${ends}: ${losses.join(", ") || "no loss is known"}`;
}

function inWords(steps, epochs, best) {
  const known = steps.filter((each) => Number.isFinite(each.train_loss));
  const parts = [];
  if (known.length) parts.push(`Training loss from ${known[0].train_loss.toFixed(3)} at step ${known[0].step} to ${known.at(-1).train_loss.toFixed(3)} at step ${known.at(-1).step}.`);
  epochs.forEach((epoch, at) => {
    if (epoch.valid_loss !== null) parts.push(`Validation loss after epoch ${at + 1}: ${epoch.valid_loss.toFixed(3)}${epoch.step === best ? ", the lowest" : ""}.`);
  });
  return parts.join(" ") || "Losses of the training.";
}
