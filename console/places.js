// Which page an address means, and the page's module. Knows addresses, not what is shown.

import { html, nothing } from "./lit/lit-html.js";
import { Problem } from "./api.js";

const DOTS = new Set([".", ".."]); // no name of anything: in an address they lead elsewhere

const PAGES = [
  ["", () => import("./home.js")],
  ["models", () => import("./models.js")],
  ["models/:name", () => import("./model.js")],
  ["runs", () => import("./runs.js")],
  ["runs/:id", () => import("./run.js")],
  ["runs/:id/report", () => import("./report.js")],
  ["runs/:id/verdict", () => import("./verdict.js")],
  ["playground", () => import("./playground.js")],
  ["drop", () => import("./drop.js")],
  ["data/:name", () => import("./data.js")],
  ["keys", () => import("./keys.js")],
];

export function parse() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function matched(parts) {
  for (const [template, open] of PAGES) {
    const names = template.split("/").filter(Boolean);
    if (names.length !== parts.length) continue;
    const fits = names.every((name, at) => (name.startsWith(":") ? !DOTS.has(parts[at]) : name === parts[at]));
    if (!fits) continue;
    const params = names.flatMap((name, at) => (name.startsWith(":") ? [[name.slice(1), parts[at]]] : []));
    return { open, params: Object.fromEntries(params) };
  }
  return null;
}

// {module, params}: of the page at this address, or of one that says that there is none.
export async function opened(parts) {
  const found = matched(parts);
  if (!found) return { module: NOT_FOUND, params: {} };
  return { module: await found.open().catch(unloaded), params: found.params };
}

const NOT_FOUND = { title: "Not found", still: true, load: () => ({}), view: () => html`<p>There is no such page. <a href="#/">Home</a></p>` };

// What a page needs could not be fetched: the connection is lost, or the app is another by now.
function unloaded() {
  const problem = new Problem("This page could not be loaded.", "Reload it in the browser.", -1);
  return { title: "Not loaded", still: true, load: () => Promise.reject(problem), view: () => nothing };
}
