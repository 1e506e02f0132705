import { html } from '../html.ts';
import type { Html } from '../html.ts';
import type { PayerChoice } from '../payer-choice.ts';
import type { ReceivedEvent } from '../webhooks.ts';
import { page } from './layout.ts';

const meanings: Readonly<Record<string, string>> = {
  'grant.created': 'A member connected a plan',
  'grant.ended': 'A connection ended',
  'export.waiting': 'An import waits: ask for its status',
  'export.completed': 'A whole record is here',
  'export.partial': 'A record is here, except for some parts',
  'export.failed': 'An import failed',
  'webhook.test': 'A test',
};

const reasons: Readonly<Record<string, string>> = {
  byPartner: 'this app disconnected it',
  expired: 'its time was over',
  refusedByPayer: 'the plan ended it',
  byOperator: 'the gateway’s operator ended it',
  byMember: 'the member ended it at the gateway',
  codeReplayed: 'its code was used twice',
  refreshTokenReused: 'an old token was used again',
  otherPatient: 'the plan named another member',
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const whyOf = ({ data }: ReceivedEvent): string => {
  const reason = text(data['reason']);
  return reason === '' ? '' : `: ${reasons[reason] ?? reason}`;
};

/** Formats an instant such as `2026-06-01T12:00:00Z` for display. */
const moment = (instant: string): string => {
  const ms = Date.parse(instant);
  return Number.isNaN(ms) ? 'not given' : `${format.format(ms)} UTC`;
};
const format = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });

const rowOf = (event: ReceivedEvent, payers: readonly PayerChoice[]): Html => {
  const { id, type, timestamp, data } = event;
  const plan = payers.find((payer) => payer.id === data['payer'])?.displayName ?? '';
  return html`<tr data-event="${type}">
    <th scope="row">${meanings[type] ?? type}${whyOf(event)}<br /><code>${type}</code></th>
    <td>${plan}</td>
    <td class="date">${moment(timestamp)}</td>
    <td><code>${id}</code></td>
  </tr>`;
};

/** The page of the events that the gateway sent to this app, newest first. */
export const eventsPage = (events: readonly ReceivedEvent[], payers: readonly PayerChoice[]): string =>
  page({
    title: 'Events from the gateway',
    content: html`<p class="crumb"><a href="/">All plans</a></p>
      <h1>Events from the gateway</h1>
      <p class="lead">
        The gateway posts what happens to <code>/webhooks</code>, and this app checks each signature. Events name no
        member: an app knows its own connections.
      </p>
      <div data-live="events">${
        events.length === 0
          ? html`<p role="status">There are none yet. Connect a plan to see the first.</p>`
          : html`<table class="stacked events">
              <thead>
                <tr>
                  <th scope="col">What happened</th>
                  <th scope="col">Plan</th>
                  <th scope="col">When</th>
                  <th scope="col">Event</th>
                </tr>
              </thead>
              <tbody>
                ${events.map((event) => rowOf(event, payers))}
              </tbody>
            </table>`
      }</div>`,
    reloadAfterSeconds: 10,
  });
