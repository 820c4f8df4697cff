// An element that shows a report: a whole HTML page of the app's own, which quotes what strangers
// wrote. Its style reaches nothing else, nothing in it runs, and its links lead to places within it.

const policy = globalThis.trustedTypes?.createPolicy("report", { createHTML: (page) => page });

const UNWANTED = "script, style, link, meta, base, iframe, frame, object, embed, form, template, title";
const ADDRESSES = ["href", "xlink:href", "src", "srcset", "action", "formaction", "data", "srcdoc", "style"];

class DatasetReport extends HTMLElement {
  #source = null;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).addEventListener("click", (event) => this.#clicked(event));
  }

  set source(page) {
    if (page === this.#source) return;
    this.#source = page;
    const style = /<(style)>([^<]*)<\/\1>/.exec(page);
    page = style ? page.replace(style[0], "") : page; // the page's policy is one for what is parsed, too
    // What is parsed so is in no window: no script of it runs, and nothing is loaded.
    const parsed = new DOMParser().parseFromString(policy ? policy.createHTML(page) : page, "text/html");
    const body = document.createElement("div");
    body.className = "page";
    parsed.querySelectorAll(UNWANTED).forEach((each) => each.remove());
    parsed.body.querySelectorAll("*").forEach(harmless);
    parsed.querySelectorAll("h1").forEach(lower);
    body.append(...parsed.body.childNodes);
    this.shadowRoot.adoptedStyleSheets = [sheet(style?.[2] ?? "")];
    this.shadowRoot.replaceChildren(body);
  }

  #clicked(event) {
    const link = event.target.closest?.("a[href]");
    if (!link) return;
    event.preventDefault(); // the console's own address says which page is shown
    const place = this.shadowRoot.getElementById(decodeURIComponent(link.getAttribute("href").slice(1)));
    place?.scrollIntoView();
    place?.setAttribute("tabindex", "-1");
    place?.focus({ preventScroll: true });
  }
}

// The console's page has a title already.
function lower(heading) {
  const title = document.createElement("h2");
  title.className = "title";
  title.append(...heading.childNodes);
  heading.replaceWith(title);
}

function harmless(element) {
  for (const { name, value } of [...element.attributes]) {
    const place = element.localName === "a" && name === "href" && value.startsWith("#");
    if (name.startsWith("on") || (ADDRESSES.includes(name) && !place)) element.removeAttribute(name);
  }
}

// A page's body is this element's only child; the colours are the console's own, by the same names.
function sheet(style) {
  const made = new CSSStyleSheet();
  const within = ".kind { display: none } .page { padding-top: 0 } .title { font-size: 1.3rem; margin: 0 }"; // below a title of the console's
  made.replaceSync(style.replace(/(^|[}\s])body(?=\s*\{)/g, "$1.page").replace(/(^|[}\s]):root(?=\s*\{)/g, "$1.nothing") + within);
  return made;
}

customElements.define("dataset-report", DatasetReport);
