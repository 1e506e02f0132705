/** The one style sheet of the gateway's pages. A page's own styles follow it and use its colors. */
export const baseStyle = `
:root{color-scheme:light dark;--background:#f4f6f8;--surface:#fff;--text:#1b2733;--muted:#4a5864;--line:#c5cfd8;--accent:#0b5cad;--on-accent:#fff;--danger:#b3261e;--ok:#1d6f42}
@media(prefers-color-scheme:dark){:root{--background:#10171d;--surface:#1a232b;--text:#e8eef3;--muted:#aab7c2;--line:#3a4853;--accent:#7fb8f0;--on-accent:#0c1a27;--danger:#f2a59f;--ok:#8fd3ab}}
*{box-sizing:border-box}
body{margin:0;display:flex;flex-direction:column;min-height:100vh;background:var(--background);color:var(--text);font:17px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
header,main,footer{width:100%;max-width:38rem;margin:0 auto;padding:1rem 1.25rem}
header{display:flex;align-items:center;gap:.75rem;font-weight:600}
main{padding:1.75rem;background:var(--surface);border:1px solid var(--line);border-radius:10px}
footer{margin-bottom:auto;color:var(--muted);font-size:.9rem}
footer p{margin:0}
footer ul{display:flex;flex-wrap:wrap;gap:0 1.25rem;margin:0;padding:0;list-style:none}
footer li a,footer button{display:inline-flex;align-items:center;min-height:44px}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25;text-wrap:balance}
h2{margin:1.5rem 0 .5rem;font-size:1.1rem;line-height:1.3}
p,ul,dl{margin:0 0 1rem}
ul{padding-left:1.2rem}
a{color:var(--accent)}
img{display:block;max-width:10rem;max-height:48px;padding:4px;background:#fff;border-radius:8px}
button,.button{padding:.7rem 1rem;min-height:44px;border:1px solid var(--accent);border-radius:8px;background:var(--accent);color:var(--on-accent);font:inherit;text-align:center;text-decoration:none;cursor:pointer}
.button{display:inline-block}
.second{background:var(--surface);color:var(--accent)}
.link{padding:0;border:0;background:none;color:var(--accent);text-decoration:underline}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 1rem}
.actions>*{flex:1 1 11rem}
small,.muted{color:var(--muted)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media(max-width:40rem){main{border-width:1px 0;border-radius:0;padding:1.5rem 1.25rem}}
`;
