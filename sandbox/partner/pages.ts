import { html } from '../html.ts';
import type { Html } from '../html.ts';
import type { Problem } from './problem.ts';
import type { RecordSummary } from './record.ts';

/** A payer, by the name that the app's pages show. */
export interface PayerChoice {
  readonly id: string;
  readonly displayName: string;
}

/** A whole page around `content`. `scripts` are paths on this server. */
export const page = (title: string, content: Html, scripts: readonly string[] = []): string => {
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Demo Partner</title>
        <link rel="icon" href="/logo.svg" />
        <link rel="stylesheet" href="/style.css" />
        ${scripts.map((path) => html`<script defer src="${path}"></script>`)}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <div class="bar">
            <a class="brand" href="/"><img src="/logo.svg" alt="" width="28" height="28" />Demo Partner</a
            ><span class="tag">Sandbox</span>
          </div>
        </header>
        <main id="main">${content}</main>
        <footer>
          A sandbox app with made-up people. It reads through the gateway as a partner app would. Two more, with no
          server of their own: <a href="/app">Demo App</a> and <a href="/third-party">Third Party App</a>.
        </footer>
      </body>
    </html> `;
  return whole.markup;
};

/** The home page: payers to choose from, and those already connected. */
export const homePage = (payers: readonly PayerChoice[], connected: ReadonlySet<string>, notice?: string): string => {
  const choices = payers.map(
    (payer) =>
      html`<li class="card choice">
        <div>
          <h2>${payer.displayName}</h2>
          <p class="quiet">${connected.has(payer.id) ? 'Connected' : 'Not connected'}</p>
        </div>
        ${
          connected.has(payer.id)
            ? html`<a class="button" href="/record/${payer.id}"
                >See my record<span class="hidden"> from ${payer.displayName}</span></a
              >`
            : html`<a class="button" href="/connect/${payer.id}"
                >Connect<span class="hidden"> ${payer.displayName}</span></a
              >`
        }
      </li>`,
  );
  const content = html`${notice === undefined ? undefined : html`<p class="notice" role="status">${notice}</p>`}
    <h1>Connect your old health plan</h1>
    <p class="lead">
      Bring your health record with you. Choose the plan you had before, sign in there, and agree to share. We only
      read; nothing is changed.
    </p>
    <ul class="plain">
      ${choices}
    </ul>
    <h2>What happens next</h2>
    <ol class="steps">
      <li>You sign in at your old plan, on its own pages. We never see your password.</li>
      <li>Your old plan asks whether you agree.</li>
      <li>You come back here and see your record. You can disconnect at any time.</li>
    </ol>`;
  return page('Connect your old health plan', content);
};

/** The page of a member's record. */
export const recordPage = (payer: PayerChoice, base: string, record: RecordSummary, formToken: string): string => {
  const content = html`<p class="crumb"><a href="/">All plans</a></p>
    <h1 data-field="name">${record.name || 'Name not given'}</h1>
    <dl class="facts">
      <div>
        <dt>Born</dt>
        <dd data-field="birth-date">${day(record.birthDate) || 'not given'}</dd>
      </div>
      <div>
        <dt>From</dt>
        <dd>${payer.displayName}</dd>
      </div>
      <div>
        <dt>Entries</dt>
        <dd data-field="total">${record.total}</dd>
      </div>
    </dl>
    <div class="columns">
      <section aria-labelledby="latest">
        <h2 id="latest">Latest observations</h2>
        ${record.latest.length === 0 ? html`<p>This record has no observations.</p>` : latestTable(record.latest)}
      </section>
      <section aria-labelledby="counts">
        <h2 id="counts">What is in your record</h2>
        <table class="counts">
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col" class="number">Entries</th>
            </tr>
          </thead>
          <tbody>
            ${record.counts.map(
              ({ type, count }) =>
                html`<tr data-type="${type}">
                  <th scope="row">${plainWords(type)}</th>
                  <td class="number">${count}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </section>
    </div>
    <section class="card origin" aria-labelledby="origin">
      <h2 id="origin">Where this comes from</h2>
      <p>
        Read from ${payer.displayName} on ${moment(record.readAtMs)}, in ${record.pages}
        ${record.pages === 1 ? 'page' : 'pages'}, through <code>${base}</code>.
      </p>
      <div class="actions">
        <form method="post" action="/record/${payer.id}/read">
          <input type="hidden" name="form_token" value="${formToken}" /><button class="second">Read again</button>
        </form>
        <form method="post" action="/record/${payer.id}/disconnect">
          <input type="hidden" name="form_token" value="${formToken}" /><button class="danger">
            Disconnect ${payer.displayName}
          </button>
        </form>
      </div>
    </section>`;
  return page('Your record', content);
};

const latestTable = (latest: RecordSummary['latest']): Html => {
  return html`<table class="latest">
    <thead>
      <tr>
        <th scope="col">Observation</th>
        <th scope="col">Value</th>
        <th scope="col">Date</th>
      </tr>
    </thead>
    <tbody>
      ${latest.map(
        ({ title, value, date }) =>
          html`<tr>
            <th scope="row">${title}</th>
            <td>${value}</td>
            <td class="date">${day(date) || 'no date'}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
};

/** An error page: what happened, on whose side, and one thing to do. */
export const problemPage = (problem: Problem, payer: PayerChoice | undefined): string => {
  const next =
    payer === undefined
      ? html`<a class="button" href="/">Back to the start</a>`
      : html`<a class="button" href="${problem.next === 'reload' ? '/record' : '/connect'}/${payer.id}">Try again</a>
          <a class="button second" href="/">Choose another plan</a>`;
  return page(
    problem.title,
    html`<section class="card problem">
      <h1>${problem.title}</h1>
      <p class="lead">${problem.text}</p>
      <p class="actions">${next}</p>
      ${problem.detail === undefined ? undefined : html`<p class="quiet">For support: <code>${problem.detail}</code></p>`}
    </section>`,
  );
};

const kinds: Readonly<Record<string, string>> = {
  AllergyIntolerance: 'Allergies',
  Binary: 'Attached files',
  CarePlan: 'Care plans',
  CareTeam: 'Care teams',
  Condition: 'Conditions',
  Device: 'Devices',
  DiagnosticReport: 'Reports',
  DocumentReference: 'Documents',
  Encounter: 'Visits',
  Goal: 'Goals',
  Immunization: 'Vaccinations',
  Location: 'Places',
  Medication: 'Medicines',
  MedicationDispense: 'Dispensed medicines',
  MedicationRequest: 'Prescriptions',
  Observation: 'Observations',
  Organization: 'Organizations',
  Patient: 'Your details',
  Practitioner: 'Practitioners',
  PractitionerRole: 'Practitioner roles',
  Procedure: 'Procedures',
  Provenance: 'Origins of entries',
  RelatedPerson: 'Related people',
  ServiceRequest: 'Orders',
  Specimen: 'Specimens',
};

const plainWords = (type: string): string => {
  return kinds[type] ?? type;
};

const dayFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });
const momentFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/** The day of a FHIR date or dateTime for display. A year or a month alone is unchanged. */
const day = (date: string): string => {
  const whole = /^\d{4}-\d{2}-\d{2}/.exec(date)?.[0];
  const parsed = whole === undefined ? Number.NaN : Date.parse(`${whole}T00:00:00Z`);
  return Number.isNaN(parsed) ? date : dayFormat.format(parsed);
};

const moment = (atMs: number): string => {
  return `${momentFormat.format(atMs)} UTC`;
};
