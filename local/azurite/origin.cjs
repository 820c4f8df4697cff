// Loaded into Azurite before its own code: refuses what a page of another site makes a browser send, as
// local/host/origin.py does. Azurite's key is public, so such a page could sign requests with it.
const { Server } = require("node:http");

const HOST = /^(127(\.\d{1,3}){3}|([\w-]+\.)*localhost|\[::1\])(:\d{0,5})?$/i;

function refusal({ headersDistinct: headers }) {
  const hosts = headers.host ?? [];
  const origins = headers.origin ?? [];
  const site = (headers["sec-fetch-site"] ?? ["none"]).at(-1);
  if (!hosts.every((host) => HOST.test(host))) return "The Host is not a name of this machine.";
  const own = hosts.map((host) => `http://${host}`.toLowerCase());
  const foreign = origins.some((origin) => !own.includes(origin.toLowerCase()));
  if (foreign || !["same-origin", "none"].includes(site)) return "The page is of another site.";
  return "";
}

const emit = Server.prototype.emit;
Server.prototype.emit = function (event, ...rest) {
  const reason = event === "request" ? refusal(rest[0]) : "";
  if (!reason) return emit.call(this, event, ...rest);
  rest[1].writeHead(403, { "content-type": "text/plain", connection: "close" }).end(reason);
  return true;
};
