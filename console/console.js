// The console: reads the app's own API and shows it. Knows no secrets but the key that is typed in,
// which stays in this tab. Every text from the API is set as text, never as HTML.

const LOOK_EVERY = 1500; // milliseconds
const ENDS = ["serving", "held", "rejected", "failed", "cancelled", "superseded"];

const $ = (id) => document.getElementById(id);

function el(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.filter((child) => child !== null));
  return node;
}

function table(heads, rows) {
  return el("table", {},
    el("tr", {}, ...heads.map((head) => el("th", { textContent: head }))),
    ...rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell)))));
}

async function api(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

// ---- runs and models

function badge(run) {
  const state = run.standing?.state ?? "champion";
  const tone = !ENDS.includes(run.stage) ? "active" : state === "champion" ? run.stage : state;
  return el("span", { className: `stage ${tone}`, textContent: run.stage });
}

// What a run has made, and where that does not serve, its state and who does.
function version({ model, version: number, standing }) {
  if (!number) return "";
  const called = `${model}@${number}`;
  if (!standing || standing.state === "champion") return called;
  return `${called}, ${standing.state}${standing.champion ? `; ${model}@${standing.champion} serves` : ""}`;
}

function progress(run) {
  const { step, total_steps: total, train_loss: loss } = run.progress;
  if (run.failure) return el("span", { className: "problem", textContent: run.failure.message, title: run.failure.fix });
  if (run.stage === "rejected") return el("span", { className: "problem", textContent: "the dataset has errors: see its report" });
  if (run.waiting_for) return el("span", { className: "quiet", textContent: run.waiting_for });
  if (run.epochs.length) return curve(run.epochs);
  if (!step) return "";
  const text = ` step ${step}/${total ?? "?"}${loss === null ? "" : `, loss ${loss.toFixed(2)}`}`;
  return el("span", {}, el("progress", { value: step, max: total ?? step }), text);
}

function curve(epochs) {
  const losses = epochs.flatMap((e) => [e.train_loss, e.valid_loss]).filter((loss) => loss !== null);
  const top = Math.max(...losses), ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 100 24");
  const line = (key, name) => {
    const points = epochs.map((e, i) => [i, e[key]]).filter(([, loss]) => loss !== null)
      .map(([i, loss]) => `${(100 * i) / Math.max(epochs.length - 1, 1)},${23 - (22 * loss) / top}`);
    const drawn = document.createElementNS(ns, "polyline");
    drawn.setAttribute("points", points.join(" "));
    drawn.setAttribute("class", name);
    svg.append(drawn);
  };
  line("train_loss", "train");
  line("valid_loss", "valid");
  const said = epochs.map((e, i) => `epoch ${i + 1}: training loss ${e.train_loss}, validation loss ${e.valid_loss ?? "–"}`);
  const title = document.createElementNS(ns, "title");
  title.textContent = said.join("\n");
  svg.prepend(title);
  return svg;
}

// The run's id as people see it: its model and eight of its digits, which every route takes.
function short(id) {
  return id.replace(/-([0-9a-f]{8})[0-9a-f]*$/, "-$1");
}

function when(run) {
  return new Date(run.timeline[0].at).toLocaleString();
}

// What cannot be read is said below the rest, and hides nothing of it.
function told(problems = []) {
  return problems.map(({ message, fix }) => el("p", { className: "problem", textContent: `${message} ${fix}` }));
}

// Text of strangers: what has no width or steers is written out, and so are, of the marks above and
// below one letter, those after the third, which would cover other rows.
function printable(text) {
  return text.replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|(?<=\p{M}{3})\p{M}/gu,
    (mark) => `\\u${mark.codePointAt(0).toString(16).padStart(4, "0")}`);
}

// A blob's name: folder and file stay in this order, whatever direction each is written in.
function name(path) {
  const letters = [...printable(path)];
  const short = letters.slice(0, 80).join("") + (letters.length > 80 ? "…" : "");
  const parts = short.split("/").map((part) => el("bdi", { dir: "ltr", textContent: part }));
  return el("span", {}, ...parts.flatMap((part, n) => (n ? ["/", part] : [part])));
}

function notTaken({ drops, count }) {
  if (!count) return [];
  const rows = drops.map((drop) => [
    name(drop.name),
    el("span", {},
      el("bdi", { dir: "ltr", className: drop.waits ? "" : "problem", textContent: printable(drop.message) }),
      el("bdi", { dir: "ltr", className: "quiet", textContent: ` ${printable(drop.fix)}` })),
    new Date(drop.at).toLocaleString(),
  ]);
  const more = count - drops.length;
  return [
    el("h3", { textContent: "Not taken" }),
    el("div", { className: "refused" }, table(["file", "", "since"], rows)),
    el("p", { className: "quiet", textContent: more > 0 ? `and ${more.toLocaleString("en")} more` : "" }),
  ];
}

async function showRuns() {
  const { runs, refused, problems } = await api("runs");
  const rows = runs.map((run) => [
    el("a", { href: `runs/${run.id}/report.html`, title: run.id, textContent: short(run.id) }),
    badge(run), progress(run), version(run), when(run),
  ]);
  const nothing = "No runs yet: drop training_set.jsonl into the container datasets, folder <model>/.";
  $("runs").replaceChildren(rows.length ? table(["run", "stage", "", "version", "received"], rows) : nothing, ...notTaken(refused), ...told(problems));
  $("runs").classList.toggle("quiet", !rows.length && !refused.count);
}

async function showModels() {
  const { models, problems } = await api("models");
  const rows = models.map((model) => [
    model.name, model.champion ? `${model.name}@${model.champion}` : "none yet",
    model.versions.map((v) => `@${v.version} ${v.state}`).join(", "),
    (model.lifecycle?.endings ?? []).map((ending) => [ending.sentence, ending.cure].filter(Boolean).join(" ")).join(" "),
  ]);
  $("models").replaceChildren(rows.length ? table(["model", "champion", "versions", "ends"], rows) : "No models yet.", ...told(problems));
  $("models").classList.toggle("quiet", !rows.length);
}

async function show(place, work) {
  try {
    await work();
  } catch (error) {
    $(place).replaceChildren(el("span", { className: "problem", textContent: error.message }));
  }
}

async function look() {
  await Promise.all([show("runs", showRuns), show("models", showModels)]);
  setTimeout(look, LOOK_EVERY);
}

// ---- chat

async function listModels() {
  const response = await fetch("v1/models", { headers: { "api-key": $("key").value } });
  const body = await response.json();
  if (body.error) return $("answers").replaceChildren(el("span", { className: "problem", textContent: body.error.message }));
  $("answers").replaceChildren();
  const options = () => body.data.map(({ id }) => el("option", { value: id, textContent: id }));
  $("left").replaceChildren(...options());
  $("right").replaceChildren(...options());
  $("left").selectedIndex = body.data.length - 1; // a base model, where there is one
}

async function ask(model) {
  const answer = el("div");
  $("answers").append(el("section", {}, el("h3", { textContent: model }), answer));
  const messages = [{ role: "user", content: $("question").value }];
  if ($("system").value) messages.unshift({ role: "system", content: $("system").value });
  const response = await fetch("v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json", "api-key": $("key").value },
    body: JSON.stringify({ model, messages, stream: true, temperature: 0, max_tokens: 150 }),
  });
  if (!response.ok) {
    answer.className = "problem";
    answer.textContent = (await response.json()).error.message;
    return;
  }
  for await (const data of events(response.body)) {
    if (data !== "[DONE]") answer.textContent += JSON.parse(data).choices[0]?.delta?.content ?? "";
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice(6).trim();
  }
}

$("connect").onclick = listModels;
$("chat").onsubmit = async (event) => {
  event.preventDefault();
  $("answers").replaceChildren();
  const chosen = [...new Set([$("left").value, $("right").value])].filter(Boolean);
  if (!chosen.length) return listModels();
  for (const model of chosen) await ask(model);
};

look();
