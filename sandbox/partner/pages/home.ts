import type { BrowserApp } from '../browser-apps.ts';
import { html } from '../html.ts';
import type { PayerChoice } from '../payer-choice.ts';
import { page } from './layout.ts';

/** The home page: payers to choose from, and those already connected. */
export const homePage = (
  payers: readonly PayerChoice[],
  connected: ReadonlySet<string>,
  {
    notice,
    browserApps,
    takeIdentity,
    hasEvents,
  }: {
    readonly notice?: string | undefined;
    readonly browserApps: readonly BrowserApp[];
    /** The payers that take a member's identity, by id. */
    readonly takeIdentity: ReadonlySet<string>;
    readonly hasEvents: boolean;
  },
): string => {
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
                >
                ${
                  takeIdentity.has(payer.id) &&
                  html`<a class="button second" href="/identify/${payer.id}"
                    >I have no account there<span class="hidden"> at ${payer.displayName}</span></a
                  >`
                }`
        }
      </li>`,
  );
  const others = browserApps.map(
    ({ path, brand, about }) =>
      html`<li class="card app">
        <img src="${brand.logo}" alt="" width="40" height="40" />
        <div>
          <h3><a href="${path}">${brand.name}</a></h3>
          <p class="quiet">${about}</p>
        </div>
      </li>`,
  );
  const content = html`${notice !== undefined && html`<p class="notice" role="status">${notice}</p>`}
    <h1>Connect your old health plan</h1>
    <p class="lead">
      Bring your health record with you. Choose the plan you had before, sign in there, and agree to share. We only
      read; nothing is changed.
    </p>
    <ul class="plain">
      ${choices}
    </ul>
    <p class="search">
      Is your plan not here, or do you know it by another name? <a href="/connect">Search for your plan</a>
    </p>
    <h2>What happens next</h2>
    <ol class="steps">
      <li>You sign in at your old plan, on its own pages. We never see your password.</li>
      <li>Your old plan asks whether you agree.</li>
      <li>You come back here and see your record. You can disconnect at any time.</li>
    </ol>
    ${
      others.length > 0 &&
      html`<h2>Two other apps</h2>
        <ul class="plain">
          ${others}
        </ul>`
    }
    ${hasEvents && html`<p class="quiet"><a href="/events">Events from the gateway</a></p>`}`;
  return page({ title: 'Connect your old health plan', content });
};
