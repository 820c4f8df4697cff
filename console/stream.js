// One streamed answer of a chat, as it comes: its words, and what they took.
// Knows the wire format of OpenAI's chat completions, no page.

import { Problem } from "./api.js";

const ENDS = {
  length: "cut off: as many tokens as it may have",
  content_filter: "cut off by the content filter",
  tool_calls: "it asks for a tool",
};

export function blank(model) {
  return { model, text: "", first: null, all: null, usage: null, id: "", servedBy: "", fallbackFor: "", ended: "", problem: null, finished: false, stopped: false, done: false };
}

// Fills `answer`; `changed` is called after each piece. Throws nothing: what was refused or broke
// off is the answer's `problem`.
export async function stream(api, answer, body, signal, changed) {
  const began = performance.now();
  try {
    const response = await api.chat("v1/chat/completions", { ...body, stream: true, stream_options: { include_usage: true }, signal });
    answer.servedBy = response.headers.get("x-tunedrop-model") ?? "";
    answer.fallbackFor = response.headers.get("x-tunedrop-fallback-for") ?? "";
    await read(response, answer, began, changed);
  } catch (error) {
    if (error.name === "AbortError") answer.stopped = true;
    else answer.problem = error instanceof Problem ? error : new Problem("The connection was lost within the answer.", "Ask again.");
  }
  answer.all = performance.now() - began;
  answer.done = true;
  changed();
}

async function read(response, answer, began, changed) {
  let whole = false;
  for await (const data of events(response.body)) {
    if (data === "[DONE]") {
      whole = true;
      break;
    }
    take(parsed(data), answer, began);
    changed();
  }
  if (!whole && !answer.finished) throw new Problem("The answer broke off before its end.", "Ask again.");
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new Problem("A piece of the answer cannot be read.", "Ask again.");
  }
}

function take(piece, answer, began) {
  if (piece.error) throw new Problem(piece.error.message ?? "The answer broke off.");
  answer.id ||= piece.id ?? "";
  answer.usage = piece.usage ?? answer.usage;
  const [choice] = piece.choices ?? [];
  const words = choice?.delta?.content ?? choice?.delta?.refusal ?? "";
  if (words && answer.first === null) answer.first = performance.now() - began;
  answer.text += words;
  const reason = choice?.finish_reason;
  if (reason) answer.ended = ENDS[reason] ?? "";
  if (reason) answer.finished = true;
}

// The data of each event of a stream, however its bytes are cut into pieces.
export async function* events(body) {
  let rest = "";
  let data = [];
  for await (const piece of pieces(body)) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop();
    for (const each of lines) {
      const line = each.endsWith("\r") ? each.slice(0, -1) : each;
      if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "" && data.length) {
        yield data.join("\n");
        data = [];
      }
    }
  }
  if (rest.startsWith("data:")) data.push(rest.slice(5).trim());
  if (data.length) yield data.join("\n");
}

async function* pieces(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let got = await reader.read(); !got.done; got = await reader.read()) yield got.value;
  } finally {
    reader.cancel().catch(() => {}); // a page that has left asks for no more
  }
}
