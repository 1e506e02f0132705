/** The search's own styles, beside those of every page. */
export const searchStyle = `
.app{display:flex;align-items:center;gap:1rem;margin:0 0 1rem}
.app p{margin:0}
label{display:block;font-weight:600}
#hint{margin:0 0 .5rem}
.search{display:flex;flex-wrap:wrap;gap:.5rem;margin:0 0 .75rem}
.search input{flex:1 1 14rem;min-width:0;min-height:44px;padding:.6rem .75rem;border:1px solid var(--muted);border-radius:8px;background:var(--surface);color:var(--text);font:inherit}
#status{min-height:1.5em}
.hidden{position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.plans{margin:0 0 1rem;padding:0;list-style:none}
.plans li{margin:0 0 .5rem}
.plan{display:flex;flex-direction:column;gap:.1rem;width:100%;border-color:var(--line);background:var(--surface);color:var(--text);text-align:left}
.plan:hover:enabled{border-color:var(--accent)}
.plan strong{color:var(--accent)}
.plan span,.plan em{font-size:.9rem}
.plan:disabled{cursor:default}
.plan:disabled strong{color:var(--muted)}
`;
