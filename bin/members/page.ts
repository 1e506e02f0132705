import { html, type Html } from '../../functions/shared/pages/html.ts';
import { whatIsRead } from '../../functions/shared/pages/what-is-read.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import type { FoundGrant } from './find-grants.ts';
import { counted } from './find.ts';
import type { ReadOfRecord } from './history.ts';
import { howToEndThere, payerName } from './names.ts';
import { exchangesOf, exportsOf, readsTable } from './page-reads.ts';
import { reportStyle } from './page-style.ts';
import { dayOf, moment, momentOf, timeOf } from './page-time.ts';
import type { Report } from './report-content.ts';
import { leftTheGateway, limitsOf } from './report-facts.ts';
import { endInWords, sizeInWords } from './words.ts';

const fact = (name: string, value: string | Html): Html => html`<dt>${name}</dt><dd>${value}</dd>`;

const bytesOf = (reads: readonly ReadOfRecord[]): number =>
  reads.filter(leftTheGateway).reduce((sum, { bytes = 0 }) => sum + bytes, 0);

const periodOf = ({ since, until }: Report): string =>
  since === undefined ? `from the beginning of the audit to ${until}` : `from ${since} to ${until}`;

const aboutOf = (report: Report): Html => html`<dl>
${fact('Member', report.patient === undefined ? 'not known to the grant' : `patient ${report.patient}`)}
${fact('Health plan', `${payerName(report.payer)} (${report.payer.id})`)}
${report.grant === undefined ? html`` : fact('Covers', html`one grant only, <code>${report.grant}</code>`)}
${fact('Period', `${periodOf(report)} (UTC)`)}
${fact('Made', html`${moment(report.madeAt)} by ${report.madeBy}`)}
${fact('System', `payer-to-payer gateway, stage ${report.stage}`)}
</dl>`;

const figure = (value: string, what: string): Html => html`<div><b>${value}</b><span>${what}</span></div>`;

const downloadsOf = (exchanges: Report['exchanges']): number =>
  exchanges.reduce((sum, { downloads }) => sum + downloads.length, 0);

const figuresOf = ({ history: { grants, reads }, exchanges }: Report): Html => {
  const living = grants.filter(({ state }) => state !== 'ended');
  const appsOf = (some: readonly FoundGrant[]): string => String(new Set(some.map(({ partner }) => partner)).size);
  return html`<div class="figures">${[
    figure(appsOf(grants), 'apps that were given access'),
    figure(appsOf(living), 'of them have access now'),
    figure(String(reads.filter(leftTheGateway).length), 'reads and downloads by apps'),
    figure(sizeInWords(bytesOf(reads)), 'sent to apps'),
    ...(exchanges.length === 0 ? [] : [figure(String(downloadsOf(exchanges)), 'downloads by other health plans')]),
  ]}</div>`;
};

const chipOf = ({ state, end }: FoundGrant, isRegistered: boolean): Html => {
  if (state !== 'ended' && !isRegistered) return html`<span class="chip none">App no longer registered</span>`;
  if (state === 'living') return html`<span class="chip has">Has access</span>`;
  if (state === 'waiting') return html`<span class="chip has">Sign-in just completed</span>`;
  return html`<span class="chip none">${end?.reason === 'unused' ? 'Never used' : 'Ended'}</span>`;
};

/** What the member was told that the app may read, one line each. */
const mayRead = (scope: string): Html => {
  const scopes = parseScopes(scope);
  if (scopes.some((one) => one.kind === 'resource' && one.type === '*')) return html`Everything in the record`;
  return html`${whatIsRead(scopes, 'en').lines.map((line) => html`<span class="line">${line}</span>`)}`;
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const sentTo = (reads: readonly ReadOfRecord[]): string => {
  const sent = reads.filter(leftTheGateway);
  return sent.length === 0
    ? 'nothing in this period'
    : `${sizeInWords(bytesOf(reads))} in ${counted(sent.length, 'read')}`;
};

const grantCard = (grant: FoundGrant, { apps, history }: Report): Html => {
  const app = apps.get(grant.partner);
  const reads = history.reads.filter((read) => read.grant === grant.grantId);
  const sent = reads.filter(leftTheGateway);
  const [last] = sent.slice(-1);
  const ended = grant.state === 'ended';
  const end = ended ? grant.end?.at : grant.endsAt;
  return html`<article><div><h3>${app?.name ?? grant.partner}</h3>${chipOf(grant, app?.isRegistered ?? false)}</div><dl>
${fact('Access', html`${timeOf(grant.createdAt)} to ${end === undefined && ended ? html`${timeOf(grant.endsAt)} at the latest` : timeOf(end)}`)}
${ended ? fact('How it ended', capital(endInWords(grant.end))) : html``}
${fact('May read', mayRead(grant.scope))}
${fact('Was sent', sentTo(reads))}
${last === undefined ? html`` : fact('Last read', momentOf(last.at))}
${fact('Reference', html`<code>${grant.grantId}</code>`)}
</dl></article>`;
};

const list = (items: readonly string[]): Html => html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;

const summaryOf = ({ history: { grants, reads }, exchanges }: Report): string => {
  const sent = reads.filter(leftTheGateway);
  const living = grants.filter(({ state }) => state !== 'ended').length;
  const [first, last] = [sent[0], sent.at(-1)];
  const read =
    first === undefined || last === undefined
      ? 'No app read the record in this period.'
      : `The record was read between ${dayOf(first.at)} and ${dayOf(last.at)}.`;
  const access =
    living === 0
      ? 'No app has access any more.'
      : `${counted(living, 'grant')} of ${grants.length} still ${living === 1 ? 'gives' : 'give'} access.`;
  const asked =
    exchanges.length === 0
      ? ''
      : ` Other health plans asked for it in ${counted(exchanges.length, 'exchange')}, and downloaded files ${counted(downloadsOf(exchanges), 'time')}.`;
  return `${read} ${access}${asked}`;
};

/** Access that a member cannot end through a sign-in or the member portal. */
const howExchangesEnd = ({ exchanges, payer }: Report): Html =>
  exchanges.length === 0
    ? html``
    : html`<p>A health plan above exports the record from a Group in which ${payerName(payer)} named the member, without a grant. An operator can end
the member in every such Group: what is exported from then on leaves the member out. What a plan already has stays with it, and a new match
with a new consent can bring the member back. The member takes the consent back at the plan that asked.</p>`;

/** The report as one page that loads nothing, to read and to print. */
export const pageOf = (report: Report): string => {
  const { history, payer, runBy } = report;
  const body = html`<header><span>${runBy ?? 'Payer-to-payer gateway'}</span><small>Confidential: about one member's health information</small></header>
<main>
<h1>Who had access to this record</h1>
<p class="lead">${summaryOf(report)}</p>
${aboutOf(report)}
${figuresOf(report)}
<section><h2>Apps and their access</h2>${history.grants.length === 0 ? html`<p>None.</p>` : history.grants.map((grant) => grantCard(grant, report))}</section>
<section><h2>Every read</h2>${readsTable(report)}</section>
<section><h2>Exports and files</h2>${exportsOf(report)}</section>
${
  report.hasExchanges || report.exchanges.length > 0
    ? html`<section><h2>Exchanges between health plans</h2>${exchangesOf(report)}</section>
`
    : html``
}<section><h2>How access ends</h2><p>An operator of the gateway can end every grant above at once. ${howToEndThere(payer)}</p>${howExchangesEnd(report)}</section>
<section><h2>What this report cannot tell</h2>${list(limitsOf(report))}</section>
</main>
<footer><p>Times are in UTC. The gateway writes each read to its audit before any data leaves.</p></footer>`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" />
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
<meta name="referrer" content="no-referrer" /><title>Who had access to this record</title>
<style>${{ html: reportStyle }}</style></head><body>
${body}
</body></html>
`;
  return page.html;
};
