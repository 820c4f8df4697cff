"""The look of the report, light and dark. Nothing in it is loaded from anywhere."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --dim: #5d6778; --paper: #f6f7f9; --card: #fff;
  --edge: #dfe3ea; --bad: #c62f3b; --warn: #b06a00; --note: #2467b0; --good: #1b7f4b;
  --mark: #ffe08a; --c0: #3b6fd4; --c1: #2a9d8f; --c2: #e09f3e; --c3: #9b5de5; --c4: #d1495b;
  --c5: #6c757d }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #98a2b3; --paper: #14171d;
  --card: #1c2028; --edge: #303643; --bad: #ff7b84; --warn: #f0b04f; --note: #7ab4f5;
  --good: #5fd39a; --mark: #6b5417; --c0: #6f9cf0; --c1: #52c4b5; --c2: #eebc6b; --c3: #bb93f2;
  --c4: #ee8190; --c5: #9aa4b2 } }
* { box-sizing: border-box }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink);
  background: var(--paper); max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
header { border-left: 6px solid var(--good); padding: .2rem 0 .2rem 1rem }
header.bad { border-color: var(--bad) }
h1 { margin: 0; font-size: 1.7rem; overflow-wrap: anywhere }
h2 { margin: 2.2rem 0 .2rem; font-size: 1.2rem; overflow-wrap: anywhere }
.kind { margin: 0; color: var(--dim); font-size: .85rem }
.verdict { margin: .2rem 0 0 } .good .verdict strong { color: var(--good) }
.bad .verdict strong, .error > summary .dot, span.error { color: var(--bad) }
.warning > summary .dot, span.warning { color: var(--warn) }
.advice > summary .dot, span.advice { color: var(--note) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem;
  margin: 1.2rem 0 .8rem }
.tiles div, details, figure { background: var(--card); border: 1px solid var(--edge);
  border-radius: 10px }
.tiles div { padding: .7rem .9rem } .tiles b { display: block; font-size: 1.45rem }
.tiles span, .facts, .plan, footer, .more, small { color: var(--dim) }
.facts, .plan { margin: .2rem 0 .6rem; font-size: .92rem }
.price { list-style: none; padding: 0; margin: 0; display: flex; flex-wrap: wrap;
  gap: .4rem 1.6rem; font-size: .9rem; font-variant-numeric: tabular-nums }
.price small { display: block }
.price .chosen { font-weight: 700; border-bottom: 3px solid var(--c0) }
details { margin: .5rem 0; padding: .1rem .9rem; border-left-width: 4px }
details.error { border-left-color: var(--bad) } details.warning { border-left-color: var(--warn) }
details.advice { border-left-color: var(--note) }
summary { cursor: pointer; padding: .5rem 0 } .times { float: right; color: var(--dim) }
.dot { font-size: .78rem; text-transform: uppercase; letter-spacing: .04em; margin-right: .5rem }
details p { margin: .2rem 0 .6rem } details em { font-style: normal; color: var(--good) }
code { font: .82em ui-monospace, Consolas, monospace; color: var(--dim); overflow-wrap: anywhere }
p, li, summary, .account td:last-child { overflow-wrap: anywhere }
.places { list-style: none; padding: 0; margin: 0 0 .6rem }
.places li { border-top: 1px solid var(--edge); padding: .45rem 0 }
.where { color: var(--dim); margin-right: .4rem; font-variant-numeric: tabular-nums }
pre { font: .8rem/1.5 ui-monospace, Consolas, monospace; margin: .4rem 0 .2rem;
  padding: .5rem .7rem; background: var(--paper); border-radius: 6px; overflow-x: auto;
  white-space: pre-wrap; overflow-wrap: anywhere }
mark { background: var(--mark); color: inherit; border-radius: 3px; padding: 0 .1em }
.clean { color: var(--good) }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: .75rem; margin-top: 1rem }
figure { margin: 0; padding: .7rem .9rem; min-width: 0; overflow-x: auto }
figure.wide { grid-column: 1 / -1 }
figcaption { font-weight: 600; margin-bottom: .4rem } figcaption small { font-weight: 400 }
svg { width: 100%; height: auto; display: block } svg text { font-size: 12px; fill: var(--dim);
  paint-order: stroke; stroke: var(--card); stroke-width: 3px }
.bars rect { fill: var(--c0) } .axis { stroke: var(--edge) }
.mark { stroke: var(--ink); stroke-dasharray: 3 3; opacity: .6 }
svg.shares { height: 1.1rem; border-radius: 4px }
.part0 { fill: var(--c0); background: var(--c0) } .part1 { fill: var(--c1); background: var(--c1) }
.part2 { fill: var(--c2); background: var(--c2) } .part3 { fill: var(--c3); background: var(--c3) }
.part4 { fill: var(--c4); background: var(--c4) } .part5 { fill: var(--c5); background: var(--c5) }
.legend { list-style: none; padding: 0; margin: .5rem 0 0; display: flex; flex-wrap: wrap;
  gap: .2rem 1.2rem; font-size: .9rem }
.legend i { display: inline-block; width: .7rem; height: .7rem; border-radius: 3px;
  margin-right: .4rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
figure table { width: 100%; margin-top: .3rem } th { font-weight: 400; color: var(--dim) }
th, td { text-align: left; padding: .15rem .5rem .15rem 0; vertical-align: top }
.systems td { border-top: 1px solid var(--edge); overflow-wrap: anywhere }
.account td { border-top: 1px solid var(--edge); padding-right: 1rem }
.account td:first-child { white-space: nowrap }
.systems td:first-child { color: var(--dim); white-space: nowrap; width: 4rem }
@media (max-width: 30rem) { svg text { font-size: 15px } .tiles { gap: .5rem;
  grid-template-columns: 1fr 1fr } .tiles b { font-size: 1.15rem; overflow-wrap: anywhere }
  h1 { font-size: 1.25rem } details { padding: .1rem .7rem } figure { padding: .6rem .7rem }
  figure table { font-size: .8rem } }
footer { margin-top: 2.5rem; font-size: .85rem }
"""
