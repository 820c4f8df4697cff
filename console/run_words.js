// A run in words: what it waits for, and whose move that is. Knows a run as the API tells it.

import { html, nothing, text } from "./parts.js";

// A sentence of the app's, with what it writes as a command shown as one.
export function told(sentence) {
  return html`<bdi>${text(sentence).split("`").map((part, at) => (at % 2 ? html`<code>${part}</code>` : part))}</bdi>`;
}

const BLAME = {
  caller: "Your move", // who drops and chooses
  service: "Azure OpenAI's side",
  us: "For whoever runs the app",
};

const GOES_ON = {
  received: ["The app's move", "The dataset is being checked."],
  checked: ["The app's move", "The dataset is good; its files are sent to Azure OpenAI."],
  uploaded: ["The app's move", "Its files are at Azure OpenAI; a job is asked for next."],
  submitting: ["The app's move", "A job is being asked for."],
  submitted: ["Azure OpenAI's move", "The job stands in the queue of Azure OpenAI."],
  training: ["Azure OpenAI's move", "The model is being trained."],
  trained: ["The app's move", "The model is trained; its deployment is asked for next."],
  deploying: ["Azure's move", "The deployment is being made."],
  probing: ["Azure OpenAI's move", "The deployment is ready by its own account; a first chat is to prove it."],
  comparing: ["The app's move", "It is compared with the champion and with the base model."],
};

const WAITS = {
  ready: ["Your move", "The dataset is good. Nothing is sent or paid for until somebody starts the run."],
  paused: ["Your move", "The job is paused and keeps its place until somebody resumes it."],
};

const ENDS = {
  serving: ["Nobody's move", "Its version serves."],
  held: ["Your move", "Its version is deployed and is not the champion."],
  superseded: ["Nobody's move", "Its files were replaced before a job was asked for; a newer run has them."],
  cancelled: ["Nobody's move", "It was cancelled."],
};

// Nothing moves by itself until somebody gives an order.
export function waitsForAPerson(run) {
  return run.stage in WAITS && !run.command;
}

// {whose, says, more}: templates.
export function move(run) {
  if (run.command) {
    const { action, who, why } = run.command;
    return { whose: "The app's move", says: html`<b>${text(action)}</b> is being carried out. ${told(who)} has given it${why ? html`: ${told(why)}` : "."}`, more: waiting(run) };
  }
  if (run.failure) {
    return { whose: BLAME[run.failure.blame] ?? "Your move", says: told(run.failure.message), more: told(run.failure.fix) };
  }
  const [whose, says] = WAITS[run.stage] ?? ENDS[run.stage] ?? GOES_ON[run.stage] ?? ["", run.stage];
  if (run.standing) return { whose, says: told(run.standing.told), more: run.held ? told(run.held) : nothing };
  if (waitsForAPerson(run)) return { whose, says, more: nothing };
  return { whose: run.waiting_for ? `${whose}, and something is in the way` : whose, says, more: waiting(run) };
}

function waiting(run) {
  return run.waiting_for ? told(run.waiting_for) : nothing;
}
