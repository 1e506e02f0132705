import { baseStyle } from '../../functions/shared/pages/style.ts';

/** The report's style sheet: the look of the gateway's pages, wider, and for paper. */
export const reportStyle = `${baseStyle}
body{display:block;font-size:16px}
header,main,footer{max-width:64rem}
header{justify-content:space-between;flex-wrap:wrap}
header small{font-weight:400}
main{padding:2rem 2.25rem}
h1{font-size:1.8rem;margin-bottom:.5rem}
h2{font-size:1.2rem;margin:2.25rem 0 .75rem;padding-top:1.25rem;border-top:1px solid var(--line)}
h3{margin:0;font-size:1.05rem}
.lead{font-size:1.1rem;max-width:48rem}
section>p,section>ul{max-width:48rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:0}
dt{color:var(--muted)}
dd{margin:0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;margin:1.5rem 0}
.figures div{padding:.75rem 1rem;border:1px solid var(--line);border-radius:8px;background:var(--background)}
.figures b{display:block;font-size:1.5rem;line-height:1.3;font-variant-numeric:tabular-nums}
.figures span{color:var(--muted);font-size:.9rem}
article{margin:0 0 1rem;padding:1rem 1.25rem;border:1px solid var(--line);border-radius:8px}
article>div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.5rem;margin-bottom:.6rem}
.chip{padding:.05rem .6rem;border:1px solid currentColor;border-radius:1rem;font-size:.85rem;font-weight:600;white-space:nowrap}
.has{color:var(--ok)}
.bad{color:var(--danger)}
.none{color:var(--muted)}
table{width:100%;border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--muted);font-weight:600}
td:last-child,th:last-child{padding-right:0}
.number{text-align:right;white-space:nowrap}
time{white-space:nowrap}
code{font:.85em ui-monospace,monospace;color:var(--muted)}
td small,.line{display:block}
@media(max-width:44rem){
main{padding:1.25rem}
h1{font-size:1.5rem}
dl{display:block}dd{margin-bottom:.5rem}
thead{position:absolute;clip-path:inset(50%)}
tr{display:block;padding:.6rem 0;border-bottom:1px solid var(--line)}
td{display:flex;justify-content:space-between;gap:1rem;padding:.1rem 0;border:0;text-align:right}
td::before{content:attr(data-head);color:var(--muted);text-align:left;flex:none}
td>span,td>small{text-align:right}
td.number{white-space:normal}
}
@media print{
:root{color-scheme:light;--background:#fff;--surface:#fff;--text:#000;--muted:#444;--line:#999;--accent:#000;--danger:#8c1d18;--ok:#14532d}
@page{margin:16mm}
body{font-size:10pt}
header,main,footer{max-width:none;padding-left:0;padding-right:0}
main{border:0}
thead{display:table-header-group}
tr,article,.figures div{break-inside:avoid}
h2,h3{break-after:avoid}
a{text-decoration:none}
}
`;
