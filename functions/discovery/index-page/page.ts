import type { Deps } from '../../shared/deps.ts';
import type { ApiEvent, ApiResponse } from '../../shared/http/api.ts';
import { html, type Html } from '../../shared/pages/html.ts';
import { page } from '../../shared/pages/page.ts';
import type { IndexClient, IndexSettings, PageDeps, TestMember } from '../../shared/pages/settings.ts';
import { viewOf } from '../../shared/pages/view.ts';
import { authorizeUrl, facadeBase } from '../../shared/registry/urls.ts';
import { callsOf, onceOf, type Once } from './calls.ts';
import { indexScript } from './script.ts';

/** CSS of the index page only. */
const indexStyle = `
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

/** A short text that a button copies. @param what it is, for who cannot see where the button stands */
const copyable = (text: string, what: string): Html => html`<code data-copy="${what}">${text}</code>`;

/** A call, several lines long. */
const copyableLines = (text: string, what: string): Html =>
  html`<pre tabindex="0" aria-label="${what}" data-copy="${what}">${text}</pre>`;

const payerSection = (origin: string, { id, displayName }: IndexSettings['payers'][number]): Html => {
  const base = facadeBase(origin, id);
  return html`<h3>${displayName}</h3>
<dl>
<dt>FHIR base</dt><dd>${copyable(base, `the FHIR base of ${displayName}`)}</dd>
<dt>Authorize</dt><dd>${copyable(authorizeUrl(origin, id), `the authorize URL of ${displayName}`)}</dd>
<dt>Documents</dt><dd><a href="${base}/.well-known/smart-configuration">smart-configuration</a> <a href="${base}/metadata">metadata</a></dd>
</dl>`;
};

/** The client's three calls at the first payer that it may read from. */
const callsSection = (origin: string, client: IndexClient, { codeSeconds }: IndexSettings, once: Once): Html => {
  const [payer] = client.payers;
  if (payer === undefined) return html``;
  const { authorize, token, read } = callsOf(origin, client, payer, once);
  const query = new URL(authorize).searchParams;
  // `aud` names a payer; on that page the member chooses one.
  query.delete('aud');
  const connect = `${origin}/connect?${query.toString()}`;
  const of = `of ${client.clientId}`;
  return html`<ol>
<li><a href="${authorize}" target="_blank" rel="noopener">Sign in as a member</a> in a new tab: your app opens this URL. Or
<a href="${connect}" target="_blank" rel="noopener">let the member search for the plan</a>.${copyableLines(authorize, `the authorize URL ${of}`)}</li>
<li>The browser comes back to <code>${client.redirectUris[0] ?? ''}?code=…</code>. If nothing listens there yet, take the
code from the address bar. It works once, for ${String(codeSeconds)} seconds. Exchange it in place of
<code>{code}</code>.${copyableLines(token, `the token call ${of}`)}</li>
<li>Read, with the <code>access_token</code> of that answer.${copyableLines(read, `the FHIR call ${of}`)}</li>
</ol>`;
};

const clientSection =
  (origin: string, settings: IndexSettings, once: Once) =>
  (client: IndexClient, index: number): Html => {
    const { clientId, name, redirectUris, isPublic, secret = 'only its owner knows it' } = client;
    return html`<details${index === 0 ? html` open` : html``}><summary><span><strong>${name}</strong> (${clientId})</span></summary>
<dl>
<dt>Client id</dt><dd>${copyable(clientId, `the client id ${clientId}`)}</dd>
<dt>Client secret</dt><dd>${isPublic ? html`none: a public client, with PKCE` : copyable(secret, `the secret of ${clientId}`)}</dd>
${redirectUris.map((uri) => html`<dt>Redirect URI</dt><dd>${copyable(uri, `a redirect URI of ${clientId}`)}</dd>`)}
</dl>
${callsSection(origin, client, settings, once)}</details>`;
  };

const memberSection = ({ name, about, details, payers }: TestMember): Html => html`<details>
<summary><span>${name}: ${about}</span></summary>
<dl>
${Object.entries(details).map(([field, value]) => html`<dt>${field}</dt><dd>${copyable(value, `${field} of ${name}`)}</dd>`)}
<dt>Member of</dt><dd>${payers.join(', ')}</dd>
</dl></details>`;

/** A section with its heading; nothing where there is nothing to show. */
const section = (heading: string, content: readonly Html[], before: Html = html``): Html =>
  content.length === 0
    ? html``
    : html`<h2>${heading}</h2>
${before}${content}`;

/** The page of a stage that developers try out: everything that an app needs, with values that work. */
export const indexPage = (deps: Deps & PageDeps, event: ApiEvent, settings: IndexSettings): ApiResponse => {
  const { origin } = deps;
  const links = [{ text: 'Payer directory', href: `${origin}/brands` }, ...settings.links];
  // The last ones were added to the stage's own.
  const clients = settings.clients.toReversed();
  return page(
    { ...viewOf(deps.pages, event), language: 'en', pairs: [], onlyLanguage: true },
    {
      title: 'Connect your app',
      styles: indexStyle,
      script: indexScript,
      content: html`<p>This gateway is a SMART on FHIR server for each payer below. Members here are made up.</p>
<ul>${links.map(({ text, href }) => html`<li><a href="${href}">${text}</a></li>`)}</ul>
${section('Apps, and their three calls', clients.map(clientSection(origin, settings, onceOf(deps))))}
${section(
  'Payers',
  settings.payers.map((payer) => payerSection(origin, payer)),
)}
${section(
  'Members to sign in as',
  settings.testMembers.map(memberSection),
  html`<p>At the payer, choose “Create an account” and use a member’s details with any e-mail address. The payer’s inbox has the
code.</p>`,
)}`,
    },
  );
};
