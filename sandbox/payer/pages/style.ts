/** The stylesheet of all of a payer's pages, in the payer's color. */
export const stylesheet = (colour: string): string => {
  return `:root {
  --brand: ${colour};
  --text: #1c2430;
  --quiet: #55606e;
  --line: #c9d0d8;
  --wrong: #a4161a;
}
* { box-sizing: border-box; }
body {
  margin: 0;
  min-height: 100vh;
  display: flex;
  flex-direction: column;
  background: #f3f5f7;
  color: var(--text);
  font: 1rem/1.5 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
header { background: var(--brand); color: #fff; }
.bar { max-width: 60rem; margin: 0 auto; padding: 0.9rem 1.25rem; display: flex; align-items: center; gap: 0.75rem; }
.mark {
  width: 2.25rem; height: 2.25rem; border-radius: 50%; background: #fff; color: var(--brand);
  display: grid; place-items: center; font-weight: 700; font-size: 1.15rem; flex: none;
}
.name { font-weight: 600; font-size: 1.15rem; }
.area { margin-left: auto; opacity: 0.9; }
main {
  width: min(34rem, 100% - 2rem);
  margin: 2.5rem auto;
  padding: 1.75rem 2rem 2rem;
  background: #fff;
  border: 1px solid #dde2e8;
  border-radius: 0.75rem;
  box-shadow: 0 1px 3px rgb(20 30 45 / 8%);
}
main > :last-child { margin-bottom: 0; }
h1 { margin: 0 0 0.75rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 1.5rem 0 0.5rem; font-size: 1.05rem; }
p, ul, dl { margin: 0 0 1rem; }
ul { padding-left: 1.25rem; }
a { color: var(--brand); }
.steps { display: flex; gap: 0.5rem; margin: 0 0 1.5rem; padding: 0; list-style: none; font-size: 0.85rem; color: var(--quiet); }
.steps li { flex: 1; padding-top: 0.5rem; border-top: 4px solid #dde2e8; }
.steps .done { border-color: var(--brand); }
.steps [aria-current] { border-color: var(--brand); color: var(--text); font-weight: 600; }
form { margin: 0 0 1rem; }
.field { margin-bottom: 1rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; column-gap: 1rem; }
label { display: block; font-weight: 600; margin-bottom: 0.25rem; }
.hint, .quiet { color: var(--quiet); font-size: 0.9rem; }
.hint { margin: 0 0 0.25rem; }
input {
  width: 100%; padding: 0.6rem 0.75rem; font: inherit; color: inherit; background: #fff;
  border: 1px solid #77828f; border-radius: 0.4rem;
}
input[type='checkbox'], input[type='radio'] { width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--brand); }
.choice { display: grid; grid-template-columns: 1.1rem 1fr; gap: 0.1rem 0.75rem; align-items: center; margin-bottom: 0.75rem; }
.choice label { margin: 0; }
.choice > p { grid-column: 2; margin: 0; }
input[aria-invalid] { border: 2px solid var(--wrong); }
input.code { max-width: 12rem; font-size: 1.4rem; letter-spacing: 0.25em; font-variant-numeric: tabular-nums; }
:focus-visible { outline: 3px solid color-mix(in srgb, var(--brand) 45%, #fff); outline-offset: 2px; }
.wrong { margin: 0.45rem 0 0; color: var(--wrong); font-size: 0.95rem; }
.alert { margin: 0 0 1.25rem; padding: 0.75rem 1rem; border-left: 4px solid var(--wrong); background: #fdf0f0; border-radius: 0.25rem; }
.alert p { margin: 0; }
button, .button {
  display: inline-block; padding: 0.65rem 1.25rem; font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
  border: 1px solid var(--brand); border-radius: 0.4rem; background: var(--brand); color: #fff;
}
.second { background: #fff; color: var(--brand); }
.plain { padding: 0; border: 0; background: none; color: var(--brand); text-decoration: underline; font-weight: 400; }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 0; }
.divided { margin-top: 1.5rem; padding-top: 1.25rem; border-top: 1px solid #e3e7ec; }
.note { padding: 0.75rem 1rem; background: #f3f5f7; border-radius: 0.4rem; font-size: 0.95rem; }
.note p { margin: 0; }
details { margin: 0 0 1.25rem; padding: 0.6rem 1rem; background: #f3f5f7; border-radius: 0.4rem; font-size: 0.95rem; }
summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; }
details dl { margin: 0.5rem 0 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
.message { margin: 0 0 1rem; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 0.5rem; }
.message h2 { margin: 0; }
.message p { margin: 0.4rem 0 0; overflow-wrap: anywhere; }
.message .digits { font-size: 1.8rem; font-weight: 700; letter-spacing: 0.2em; font-variant-numeric: tabular-nums; }
footer { margin-top: auto; padding: 1rem 1.25rem 1.5rem; text-align: center; color: var(--quiet); font-size: 0.85rem; }
@media (max-width: 30rem) {
  main { margin: 1rem auto; padding: 1.25rem; }
  .pair { grid-template-columns: 1fr; }
  .actions > * { flex: 1 1 100%; text-align: center; }
}
`;
};
