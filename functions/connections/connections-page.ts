import type { ApiResponse } from '../shared/http/api.ts';
import { instant } from '../shared/instant.ts';
import { html, type Html } from '../shared/pages/html.ts';
import { languageNames, type Language } from '../shared/pages/language.ts';
import { page } from '../shared/pages/page.ts';
import { languageParameter, type PageView } from '../shared/pages/view.ts';
import { whatIsRead } from '../shared/pages/what-is-read.ts';
import { referenceOf } from '../shared/record/request-record.ts';
import { formTokenOf } from '../shared/store/member-sessions.ts';
import { fields, told, type acts } from './fields.ts';
import type { App, Connection, Connections, LivingApp, Stopped } from './find-connections.ts';
import { noticeOf, noticeStyles } from './notice.ts';
import type { OpenSession } from './session.ts';
import type { PageOf } from './sign-in-page.ts';
import { connectionsWords } from './words.ts';

interface ListOf extends PageOf {
  readonly session: OpenSession;
  readonly connections: Connections;
  /** How long a sign-in in progress may take, in seconds. */
  readonly loginAttemptSeconds: number;
}

const styles = `${noticeStyles}
.connection{border-top:1px solid var(--line);padding-top:1rem;margin-top:1.25rem}
.connection h2{display:flex;align-items:center;gap:.75rem;margin-top:0}
.connection dl{display:grid;grid-template-columns:minmax(6rem,auto) 1fr;gap:.25rem 1rem}
dt{color:var(--muted)}
dd,dd ul{margin:0}
summary{display:list-item;min-height:44px;padding:.6rem 0;color:var(--accent);cursor:pointer}
form.actions{margin:.5rem 0 1rem}
@media(max-width:30rem){.connection dl{display:block}dd{margin-bottom:.5rem}}
@media print{form,footer{display:none}}
`;

/** A date and time as text. It is in UTC, because the member's time zone is unknown. */
const momentOf = (seconds: number, language: Language): string =>
  `${new Date(seconds * 1000).toLocaleString(languageNames[language].locale, {
    dateStyle: 'long',
    timeStyle: 'short',
    timeZone: 'UTC',
  })} UTC`;
const timeOf = (seconds: number, language: Language): Html =>
  html`<time datetime="${instant(seconds)}">${momentOf(seconds, language)}</time>`;

type Act = (typeof acts)[number];

/** A form with one button. */
const formOf = ({ language }: PageView, { url, session }: ListOf, act: Act, label: string, clientId?: string): Html => {
  const hidden: readonly (readonly [string, string])[] = [
    [languageParameter, language],
    [fields.token, formTokenOf(session.secret, session)],
    ...(clientId === undefined ? [] : [[fields.app, clientId] as const]),
  ];
  return html`<form class="actions" method="post" action="${url}">${hidden.map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  )}<button class="second" name="${fields.act}" value="${act}">${label}</button></form>`;
};

const headingOf = ({ name, partner }: App): Html =>
  html`<h2>${partner?.logo === undefined ? '' : html`<img src="${partner.logo}" alt="" />`}<span>${name}${
    partner === undefined ? '' : html` (<a href="${partner.homePage}">${new URL(partner.homePage).host}</a>)`
  }</span></h2>`;

const readingOf = ({ scope }: Connection, language: Language): Html => {
  const words = connectionsWords[language];
  const { inShort, lines } = whatIsRead(scope, language);
  const items = (all: readonly string[]) => html`<ul>${all.map((line) => html`<li>${line}</li>`)}</ul>`;
  return html`${items(inShort)}${
    lines.length === inShort.length
      ? ''
      : html`<details><summary>${words.inDetail(lines.length)}</summary>${items(lines)}</details>`
  }`;
};

const copyOf = ({ export: copy }: Connection, language: Language): Html => {
  if (copy === undefined || copy.status === 'failed') return html``;
  const words = connectionsWords[language];
  const text =
    copy.status === 'running'
      ? words.copying(copy.resources.toLocaleString(languageNames[language].locale))
      : words.copied(momentOf(copy.expiresAt, language));
  return html`<dt>${words.copy}</dt><dd>${text}</dd>`;
};

const connectionOf = (connection: Connection, language: Language): Html => {
  const words = connectionsWords[language];
  const { since, until, usedAt } = connection;
  return html`<dl><dt>${words.canRead}</dt><dd>${readingOf(connection, language)}</dd>
<dt>${words.since}</dt><dd>${since === undefined ? words.unknown : timeOf(since, language)}</dd>
<dt>${words.until}</dt><dd>${timeOf(until, language)}</dd>
<dt>${words.lastToken}</dt><dd>${usedAt === undefined ? words.noToken : timeOf(usedAt, language)}</dd>${copyOf(connection, language)}</dl>
`;
};

const appOf = (view: PageView, about: ListOf, { app, connections }: LivingApp): Html => {
  const words = connectionsWords[view.language];
  const standing = app.isBlocked ? words.blocked : app.partner === undefined ? words.unregistered : undefined;
  return html`<section class="connection">${headingOf(app)}
${standing === undefined ? '' : html`<p><strong>${standing}</strong></p>`}
${connections.map((one) => connectionOf(one, view.language))}${formOf(view, about, 'end', words.stop(app.name), app.clientId)}</section>
`;
};

const receiptOf = ({ app, at, requestId }: Stopped, language: Language): Html => {
  const { receipt, reference } = connectionsWords[language];
  const [before, between, after] = receipt;
  return html`<p>${before}<strong>${app.name}</strong>${between}${timeOf(at, language)}${after} ${reference}: <strong>${referenceOf({ requestId })}</strong></p>`;
};

/** The page after sign-in: each app that can read the record, with its button, and receipts for those that were stopped. */
export const connectionsPage = (view: PageView, about: ListOf): ApiResponse => {
  const { language } = view;
  const words = connectionsWords[language];
  const { payer, values, session, connections, loginAttemptSeconds } = about;
  const { living, stopped } = connections;
  const name = payer.displayName;
  const ended = values.get(told.ended);
  const justNow = stopped.filter((one) => referenceOf(one) === ended);
  const before = stopped.filter((one) => referenceOf(one) !== ended);
  const receipts = (all: readonly Stopped[]) => all.map((one) => receiptOf(one, language));
  return page(view, {
    title: words.title(name),
    content: html`${
      justNow.length === 0
        ? ''
        : html`<div class="notice" role="status"><h2>${words.nowStopped}</h2>${receipts(justNow)}<p>${words.keepIt}</p></div>`
    }${noticeOf(values, payer, language, {
      never: ['again', 'signedOut', ...(living.length === 0 ? (['left'] as const) : [])],
      otherwise: ended !== undefined && justNow.length === 0 ? 'gone' : undefined,
    })}${living.length === 0 ? html`<p>${words.none(name)}</p>` : ''}
${living.map((one) => appOf(view, about, one))}
${living.length < 2 ? '' : html`<div class="connection">${formOf(view, about, 'end-all', words.stopAll(living.length))}</div>`}
<h2>${words.whatStopDoes}</h2>
<p>${words.atOnce} ${words.stays}</p>
<p>${words.underWay(Math.ceil(loginAttemptSeconds / 60))} ${words.older} ${words.elsewhere(name)}</p>
${before.length === 0 ? '' : html`<h2>${words.stopped}</h2>${receipts(before)}`}
<p>${words.session(momentOf(session.expiresAt, language))}</p>
${formOf(view, about, 'sign-out', words.signOut)}`,
    styles,
    images: living.some(({ app }) => app.partner?.logo !== undefined),
    formAction: "'self'",
  });
};
