// Files that are staged with the app: sent, checked, compared and dropped. Knows the routes and what
// a file may be called, nothing of how it is shown.

import { Problem } from "./api.js";

const CUT_OFF = 499; // no status of the app's: the page has nothing to try again by itself
export const LARGEST = 100 * 2 ** 20; // bytes of a file that the app takes this way
export const WHOLE = "dataset.jsonl"; // is dropped as <model>.jsonl, and a part of it is held out
export const MODEL = /^[a-z0-9][a-z0-9-]{0,39}$/;

// What a file may be in a drop: its name there, and what people call it.
export const ROLES = {
  training: { name: "training_set.jsonl", label: "training set" },
  validation: { name: "validation_set.jsonl", label: "validation set" },
  whole: { name: WHOLE, label: "whole dataset, a tenth is held out" },
  "run.yaml": { name: "run.yaml", label: "run.yaml" },
  "promptfooconfig.yaml": { name: "promptfooconfig.yaml", label: "assertions for the verdict" },
  none: { name: "", label: "leave it out" },
};
const KNOWN = [
  ["training", /^train[^/]*\.jsonl$/],
  ["validation", /^val[^/]*\.jsonl$/],
  ["whole", /^dataset\.jsonl$/],
  ["run.yaml", /^run\.ya?ml$/],
  ["promptfooconfig.yaml", /^promptfooconfig\.ya?ml$/],
];
const OTHERS = /\.(csv|tsv|json|parquet)$/i;
const CLUTTER = /^(\.|~\$|Thumbs\.db$|desktop\.ini$)/;

export function isClutter(name) {
  return CLUTTER.test(name);
}

// A chosen file with the role that its name says. One whose name says none is the whole dataset
// where it is the only one; Windows adds .txt to what it does not know.
export function chosen(file, others) {
  const name = file.name.replace(/\.jsonl\.txt$/i, ".jsonl");
  const known = KNOWN.find(([, pattern]) => pattern.test(name));
  if (known) return { file, role: known[0], name };
  const data = /\.(jsonl|json|ndjson|txt)$/i.test(name);
  const alone = !others.some(({ role }) => role === "training" || role === "whole");
  return { file, role: data && alone ? "whole" : "none", name };
}

// Under which name it is dropped: its own, where that says its role.
export function nameOf({ role, name }) {
  const known = KNOWN.find(([, pattern]) => pattern.test(name));
  return known?.[0] === role ? name : ROLES[role].name;
}

// Why these files are no drop, as sentences; nothing where they are one.
export function faults(files, model) {
  const used = files.filter(({ role }) => role !== "none");
  const found = [];
  if (!MODEL.test(model)) found.push("A model is called by up to 40 small letters, digits and hyphens, and begins with none.");
  const sets = used.filter(({ role }) => role === "training" || role === "whole");
  if (sets.length !== 1) found.push(sets.length ? "A drop has one training set: leave the others out." : "Which file is the training set?");
  for (const role of ["validation", "run.yaml", "promptfooconfig.yaml"]) {
    if (used.filter((file) => file.role === role).length > 1) found.push(`Several files are ${ROLES[role].label}: leave the others out.`);
  }
  for (const { file, name } of used) {
    if (!file.size) found.push(`${name} is empty.`);
    if (file.size > LARGEST) found.push(`${name} has more than 100 MiB: “tunedrop push” sends it straight into storage.`);
  }
  return found;
}

// What is to be said of files that are left out.
export function notes(files) {
  return files.filter(({ role, name }) => role === "none" && OTHERS.test(name))
    .map(({ name }) => `${name} is left out. “tunedrop convert ${name} -o training_set.jsonl” makes a dataset of CSV, of a JSON array and of other formats.`);
}

export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Sends the files under a new id, which is given; `sending(name)` is told before each.
export async function stage(api, files, sending) {
  const id = newId();
  for (const file of files.filter(({ role }) => role !== "none")) {
    const name = nameOf(file);
    sending(name);
    await sent(api, `staged/${id}/${encodeURIComponent(name)}`, file.file, name);
  }
  return id;
}

async function sent(api, path, file, name) {
  try {
    await api.put(path, file);
  } catch (problem) {
    if (problem.status) throw problem;
    throw new Problem(`The connection was lost while ${name} was sent, or the file has changed since it was chosen.`,
      "Check once more; choose the file again if it was changed.", CUT_OFF);
  }
}

// `alone`: without what lies in the model's folder and would belong to the drop.
export async function check(api, id, model, alone) {
  return (await api.post(`staged/${id}/check`, { model, alone })).body;
}

// `seen`: which check's answer the order is given on; where another was made since, it is refused.
export async function drop(api, id, { model, seen }) {
  return (await api.post(`staged/${id}/drop`, { model, seen })).body;
}

export async function merge(api, id, model, conflicts) {
  return (await api.post(`staged/${id}/merge`, { model, conflicts })).body;
}

// null where nothing lies there, or it cannot be compared: the check says what is wrong with it.
export async function difference(api, id, model) {
  try {
    return await api.get(`staged/${id}/diff?model=${encodeURIComponent(model)}`);
  } catch (problem) {
    if (problem.status === 404 || problem.status === 400) return null;
    throw problem;
  }
}

// ---- what was dragged here

// The files of a drag, also those of a folder, and the folder's name.
export async function dragged(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const folder = entries.find((entry) => entry.isDirectory);
  if (!folder) return { files: [...transfer.files], folder: "" };
  const inside = (await Promise.all(entries.map(filesIn))).flat();
  return { files: inside, folder: folder.name };
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader();
  const found = [];
  for (;;) { // a reader gives at most a hundred at once
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) break;
    found.push(...some);
  }
  const files = found.filter((one) => one.isFile && !isClutter(one.name));
  return (await Promise.all(files.map(filesIn))).flat();
}
