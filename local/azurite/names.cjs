// Loaded into Azurite before its own code: lists blobs whose names XML cannot hold, as Azure does since
// its API version 2021-02-12. The name is percent-encoded and marked so, and the SDKs decode it. Azurite
// itself answers 500 from the first such blob on, to every listing that would have it, and names none.
const { realpathSync } = require("node:fs");
const { createRequire } = require("node:module");

const azurite = createRequire(realpathSync(process.argv[1])); // of its modules, not of copies
const { Builder } = azurite("xml2js");
const { default: Store } = azurite("./blob/persistence/LokiBlobMetadataStore");
const ILLEGAL = /[\0-\x08\x0b\f\x0e-\x1f\ufffe\uffff]/;
const MARKER = 7; // among the arguments of the store's listBlobs

function held(value, key) {
  if (typeof value === "string") {
    if (!ILLEGAL.test(value)) return value;
    return key === "Name" ? { $: { Encoded: "true" }, _: encodeURI(value) } : encodeURI(value);
  }
  if (Array.isArray(value)) return value.map((item) => held(item, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, held(item, name)]));
}

const build = Builder.prototype.buildObject;
Builder.prototype.buildObject = function (root) {
  return build.call(this, held(root, ""));
};

// The marker of the next page is the last name of this one: opaque for clients, so encoded as well.
const list = Store.prototype.listBlobs;
Store.prototype.listBlobs = async function (...given) {
  if (given[MARKER]) given[MARKER] = decodeURIComponent(given[MARKER]);
  const [blobs, prefixes, marker] = await list.apply(this, given);
  return [blobs, prefixes, marker && encodeURIComponent(marker)];
};
