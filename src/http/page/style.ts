/** The page's style. Light or dark as the reader's system is; no font, image or sheet from anywhere else. */
export const style = `
:root {
  color-scheme: light dark;
  --back: #f5f6f8; --card: #fff; --line: #e3e6ea; --text: #1a1f26; --dim: #66707c;
  --good: #1a8f4c; --bad: #cf2e3a; --warn: #b36b00; --warn-back: #fff6e5; --tag: #eceff3; --link: #1f5fbf;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f1318; --card: #171c23; --line: #28303a; --text: #e6eaf0; --dim: #93a0ae;
    --good: #3fca7d; --bad: #ff6670; --warn: #f0ab3c; --warn-back: #2a2113; --tag: #242c36; --link: #7db2ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1000px; margin: 0 auto; padding: 32px 20px 48px; }
h1 { margin: 0; font-size: 28px; line-height: 1.25; letter-spacing: -.01em; }
h2 { margin: 0 0 10px; font-size: 16px; }
h2 small { color: var(--dim); font-weight: 400; font-size: 13px; }
p { margin: 6px 0 0; }
ul { list-style: none; margin: 0; padding: 0; }
a { color: inherit; text-decoration-color: var(--dim); text-underline-offset: 3px; }
a:hover { color: var(--link); text-decoration-color: currentColor; }
time { white-space: nowrap; }
section { margin-top: 28px; }
footer { margin-top: 36px; font-size: 13px; }
.muted, .muted time, .row > time { color: var(--dim); font-size: 13px; }
.muted b { color: var(--text); font-weight: 600; }
.row { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 16px; }
.row > :first-child { min-width: 0; }
.name { font-weight: 600; }
.name, .target, .error, .votes, .reason, .muted, h1, .conditions div { overflow-wrap: anywhere; }
.name, .target, .error, .votes, .reason { unicode-bidi: isolate; }
.target { font-size: 14px; }
.error { color: var(--bad); font-size: 14px; }
.tag { padding: 1px 6px; border-radius: 4px; background: var(--tag); color: var(--dim); font-size: 11px; white-space: nowrap; }
.yes { color: var(--good); }
.no { color: var(--bad); }
.dot { display: inline-block; width: 10px; height: 10px; margin-right: 10px; border-radius: 50%; background: var(--dim); }
h1 .dot { width: 14px; height: 14px; margin-right: 14px; }
.good .dot, .up .dot { background: var(--good); }
.bad .dot, .down .dot { background: var(--bad); }
.degraded .dot { background: var(--warn); }
.inactive .dot, .overridden .dot { background: transparent; box-shadow: inset 0 0 0 2px var(--dim); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 12px; margin-top: 24px; }
.tile { padding: 14px 16px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.tile b { display: block; font-size: 24px; line-height: 1.2; }
.tile span { color: var(--dim); font-size: 13px; }
.tile.good b { color: var(--good); }
.tile.bad b { color: var(--bad); }
.members > li, .list { border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.members { display: grid; gap: 10px; }
.members > li { padding: 12px 16px; }
.members > .down { box-shadow: inset 4px 0 var(--bad); }
.members > .degraded { box-shadow: inset 4px 0 var(--warn); }
.state { font-size: 14px; }
.state time { color: var(--dim); }
.up .state b { color: var(--good); }
.down .state b { color: var(--bad); }
.degraded .state b { color: var(--warn); }
.inactive, .overridden { opacity: .7; }
.failures { margin-top: 8px; border-top: 1px solid var(--line); }
.failures > li { padding: 8px 0; border-bottom: 1px solid var(--line); }
.failures > li:last-child { border-bottom: 0; padding-bottom: 2px; }
.list > li { padding: 10px 16px; border-bottom: 1px solid var(--line); }
.list > li:last-child { border-bottom: 0; }
.gone { opacity: .6; }
summary { cursor: pointer; }
details > ul { margin: 4px 0 2px; padding-left: 14px; }
.conditions { padding: 14px 16px; border: 1px solid var(--warn); border-radius: 10px; background: var(--warn-back); }
.conditions h2 { color: var(--warn); }
.conditions li + li { margin-top: 8px; }
#lost {
  position: sticky; top: 0; margin: 0; padding: 10px 20px; background: var(--bad); color: #fff; text-align: center;
}
#lost[hidden] { display: none; }
@media (max-width: 520px) {
  main { padding: 20px 14px 36px; }
  h1 { font-size: 22px; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
}
`
