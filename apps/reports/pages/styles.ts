import { createHash } from 'node:crypto';

/** Light and dark follow the reader's system; nothing here needs a script. */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --paper: #f5f6f9; --surface: #fff; --line: #dde1e9; --line-strong: #858da0;
  --ink: #1a1f2e; --muted: #566074; --accent: #3454d1; --accent-strong: #27419f; --accent-soft: #e8ecfb; --on-accent: #fff;
  --active: #3454d1; --on-hold: #9a6400; --done: #14713f; --bad: #b3261e; --bad-soft: #fcebe9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #10131a; --surface: #191d27; --line: #2c3240; --line-strong: #6f788c;
    --ink: #e8ebf2; --muted: #a3abbc; --accent: #9db1ff; --accent-strong: #bccaff; --accent-soft: #222b4d; --on-accent: #0f1838;
    --active: #9db1ff; --on-hold: #e9b566; --done: #6fd398; --bad: #ff9a90; --bad-soft: #3a1c1a;
  }
}
*, *::before, *::after { box-sizing: border-box }
body { margin: 0; min-height: 100vh; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif }
h1, h2, p, ul, table { margin: 0; padding: 0 }
h1 { font-size: 1.5rem; line-height: 1.25 }
h2 { font-size: 1.05rem }
a { color: var(--accent) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px }
.skip { position: absolute; left: -999px }
.skip:focus { left: .5rem; top: .5rem; padding: .5rem .75rem; background: var(--surface); z-index: 1 }
.muted { color: var(--muted) }
.small { font-size: .875rem }
.bar { background: var(--surface); border-bottom: 1px solid var(--line) }
.bar-in { max-width: 60rem; margin: 0 auto; padding: .6rem 1.25rem; display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem }
.brand { display: inline-flex; align-items: center; gap: .5rem; font-weight: 650; color: inherit; text-decoration: none }
.mark { width: 1.1rem; height: 1.1rem; border-radius: 5px; background: var(--accent) }
.modules { display: flex; flex-wrap: wrap; gap: .25rem; list-style: none }
.modules a { display: block; padding: .3rem .6rem; border-radius: 7px; text-decoration: none; color: var(--muted) }
.modules a:hover { background: var(--accent-soft); color: var(--ink) }
.who { margin-left: auto; display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .9rem; font-size: .9rem }
.who-name { display: flex; flex-direction: column; line-height: 1.25 }
main { max-width: 60rem; margin: 0 auto; padding: 1.75rem 1.25rem 3rem; display: grid; gap: 1.25rem }
.head { display: flex; flex-wrap: wrap; gap: .75rem 1.25rem; align-items: end; justify-content: space-between }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.25rem; display: grid; gap: .75rem; min-width: 0 }
.narrow { max-width: 30rem; width: 100%; margin: 8vh auto 0; padding: 1.75rem }
.actions { display: flex; flex-wrap: wrap; gap: .6rem; list-style: none }
button, .button { font: inherit; min-height: 2.5rem; padding: .4rem .8rem; border-radius: 8px; border: 1px solid var(--line-strong); background: var(--surface); color: var(--ink); max-width: 100% }
button, .button { cursor: pointer; display: inline-flex; align-items: center; text-decoration: none; font-weight: 600 }
button:hover, .button:hover { border-color: var(--accent) }
.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
.primary:hover { background: var(--accent-strong) }
.quiet { border-color: transparent; background: none; color: var(--accent); padding-inline: .4rem; min-height: 2rem }
.status { display: inline-flex; align-items: center; gap: .45rem }
.status::before { content: ''; width: .6rem; height: .6rem; border-radius: 50%; background: var(--dot) }
.status-active { --dot: var(--active) }
.status-on_hold { --dot: var(--on-hold) }
.status-done { --dot: var(--done) }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.chart { width: 100%; max-width: 40rem }
.chart text { fill: var(--ink); font-size: 15px }
.chart .track { fill: var(--accent-soft) }
.fill-active { fill: var(--active) }
.fill-on_hold { fill: var(--on-hold) }
.fill-done { fill: var(--done) }
table { border-collapse: collapse; width: 100%; max-width: 40rem }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem }
th, td { text-align: left; padding: .5rem .25rem; border-top: 1px solid var(--line); font-weight: 400 }
thead th { color: var(--muted); font-size: .875rem }
.number { text-align: right; font-variant-numeric: tabular-nums }
@media (max-width: 32rem) {
  .who { margin-left: 0; width: 100%; justify-content: space-between }
  .bar-in, main { padding-inline: 1rem }
  .narrow { margin-top: 3vh }
}
`;

const HASH = createHash('sha256').update(STYLE_SHEET).digest('hex').slice(0, 12);

/** Changes with the content, so that browsers may keep it for good. */
export const STYLE_SHEET_PATH = `/assets/style-${HASH}.css`;
