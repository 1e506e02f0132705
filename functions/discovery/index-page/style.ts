/** CSS of the index page only. */
export const indexStyle = `
header,main,footer{max-width:56rem}
pre{margin:.25rem 0 .5rem;padding:.75rem;border:1px solid var(--line);border-radius:8px;background:var(--background);font:14px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
code{font:.9em ui-monospace,monospace}
ol{margin:0 0 1rem;padding-left:1.4rem}
li{margin-bottom:.5rem}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.25rem 1rem;align-items:center}
dt{color:var(--muted)}
dd{margin:0;display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:center}
details{margin:0 0 .75rem;padding:0 1rem;border:1px solid var(--line);border-radius:8px}
details[open]{padding-bottom:.75rem}
summary{display:flex;align-items:center;min-height:44px;margin:0 -1rem;padding:.25rem 1rem;border-radius:8px;cursor:pointer}
summary::before{content:'▸';width:1.25rem;flex:none}
details[open]>summary::before{content:'▾'}
h3{margin:1rem 0 .25rem;font-size:1rem}
.copy{padding:.25rem .75rem;background:var(--surface);color:var(--accent);font-size:.9rem}
@media(max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
`;
