/** A payer's color, for each of the browser's schemes. White text stands on the light one, dark text on the dark one. */
export interface Colors {
  readonly light: string;
  readonly dark: string;
}

/** The stylesheet of all of a payer's pages, in the payer's color. */
export const stylesheet = ({ light, dark }: Colors): string => {
  return `:root {
  color-scheme: light dark;
  --brand: ${light}; --brand-text: #ffffff; --bar: ${light}; --bar-text: #ffffff;
  --background: #f4f6f8; --surface: #ffffff; --text: #1b2733; --quiet: #4a5864; --line: #c5cfd8; --edge: #4a5864;
  --wrong: #b3261e; --note: #f4f6f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --brand: ${dark}; --brand-text: #0c1a27; --bar: #1a232b; --bar-text: #e8eef3;
    --background: #10171d; --surface: #1a232b; --text: #e8eef3; --quiet: #aab7c2; --line: #3a4853; --edge: #aab7c2;
    --wrong: #f2a59f; --note: #10171d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column;
  background: var(--background); color: var(--text); font: 17px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
header { background: var(--bar); color: var(--bar-text); border-bottom: 4px solid var(--brand); }
.bar { max-width: 60rem; margin: 0 auto; padding: 0.75rem 1.25rem; display: flex; align-items: center; gap: 0.75rem; }
.mark { width: 2.5rem; height: 2.5rem; flex: none; }
.name { font-weight: 600; font-size: 1.15rem; }
.area { margin-left: auto; }
main {
  width: min(36rem, 100% - 2rem); margin: 2rem auto; padding: 1.75rem 2rem 2rem;
  background: var(--surface); border: 1px solid var(--line); border-radius: 10px;
}
main > :last-child { margin-bottom: 0; }
h1 { margin: 0 0 0.75rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 1.5rem 0 0.5rem; font-size: 1.1rem; }
p, ul, dl { margin: 0 0 1rem; }
ul { padding-left: 1.25rem; }
a { color: var(--brand); }
code { font: 0.9em ui-monospace, Menlo, Consolas, monospace; }
.steps { display: flex; gap: 0.5rem; margin: 0 0 1.5rem; padding: 0; list-style: none; font-size: 0.9rem; color: var(--quiet); }
.steps li { flex: 1; padding-top: 0.5rem; border-top: 4px solid var(--line); }
.steps .done { border-color: var(--brand); }
.steps [aria-current] { border-color: var(--brand); color: var(--text); font-weight: 600; }
form { margin: 0 0 1rem; }
.field { margin-bottom: 1rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; column-gap: 1rem; }
label { display: block; font-weight: 600; margin-bottom: 0.25rem; }
.hint, .quiet { color: var(--quiet); font-size: 0.95rem; }
.hint { margin: 0 0 0.25rem; }
input {
  width: 100%; min-height: 44px; padding: 0.5rem 0.75rem; font: inherit; color: inherit; background: var(--surface);
  border: 1px solid var(--edge); border-radius: 8px;
}
input[type='checkbox'], input[type='radio'] { width: 1.4rem; height: 1.4rem; min-height: 0; margin: 0; accent-color: var(--brand); }
.choice { display: grid; grid-template-columns: 1.4rem 1fr; gap: 0 0.75rem; align-items: center; margin-bottom: 0.75rem; }
.choice label { margin: 0; padding: 0.6rem 0; }
.choice > p { grid-column: 2; margin: 0; }
input[aria-invalid] { border: 2px solid var(--wrong); }
input.code { max-width: 13rem; font-size: 1.4rem; letter-spacing: 0.25em; font-variant-numeric: tabular-nums; }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; }
.wrong { margin: 0.45rem 0 0; color: var(--wrong); }
.alert { margin: 0 0 1.25rem; padding: 0.75rem 1rem; border: 1px solid var(--wrong); border-left-width: 6px; border-radius: 8px; }
.alert p { margin: 0; }
button, .button {
  display: inline-block; min-height: 44px; padding: 0.5rem 1.25rem; font: inherit; font-weight: 600; text-align: center;
  text-decoration: none; cursor: pointer; border: 1px solid var(--brand); border-radius: 8px;
  background: var(--brand); color: var(--brand-text);
}
.second { background: var(--surface); color: var(--brand); }
.plain { padding: 0; border-color: transparent; background: none; color: var(--brand); text-decoration: underline; font-weight: 400; text-align: left; }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 0; }
.divided { margin-top: 1.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
.note { padding: 0.75rem 1rem; background: var(--note); border: 1px solid var(--line); border-radius: 8px; }
.note p { margin: 0; }
fieldset { min-width: 0; margin: 0 0 1rem; padding: 0; border: 0; }
legend { padding: 0; margin-bottom: 0.5rem; }
details { margin: 0 0 1rem; padding: 0 1rem; background: var(--note); border: 1px solid var(--line); border-radius: 8px; }
details[open] { padding-bottom: 1rem; }
summary { padding: 0.6rem 0; cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; }
details dl { margin: 0.5rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
.message { margin: 0 0 1rem; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 8px; }
.message h2 { margin: 0; }
.message p { margin: 0.4rem 0 0; }
.message .digits { font-size: 1.8rem; font-weight: 700; letter-spacing: 0.2em; font-variant-numeric: tabular-nums; }
footer { margin-top: auto; padding: 1rem 1.25rem 1.5rem; text-align: center; color: var(--quiet); font-size: 0.95rem; }
footer p { margin: 0; }
footer ul { display: flex; flex-wrap: wrap; justify-content: center; gap: 0 1.5rem; margin: 0; padding: 0; list-style: none; }
footer a { display: inline-block; padding: 0.6rem 0; }
@media (max-width: 34rem) {
  .bar { padding: 0.75rem 1rem; }
  .area { display: none; }
  main { width: 100%; margin: 0; padding: 1.25rem 1rem; border-width: 0 0 1px; border-radius: 0; }
  .pair { grid-template-columns: 1fr; }
  .actions > * { flex: 1 1 100%; }
  details dl { grid-template-columns: 1fr; gap: 0; }
  details dd { margin-bottom: 0.4rem; }
}
`;
};
