import type { BrowserApp } from '../browser-apps.ts';
import { html } from '../html.ts';
import type { PayerChoice } from '../payer-choice.ts';
import { page } from './layout.ts';

const scripts = ['/app/fhir-client.js', '/app/app.js'];

/** The page that starts a launch. With `?iss=` it continues by itself; without, the member chooses. */
export const launchPage = (
  app: BrowserApp,
  payers: readonly PayerChoice[],
  base: (payerId: string) => string,
): string => {
  const content = html`<div data-page="launch" data-path="${app.path}" data-client-id="${app.clientId}">
    <h1>${app.brand.name}</h1>
    <p class="lead">${app.about}</p>
    <p class="notice" data-field="status" role="status" hidden></p>
    <noscript><p class="notice">This page needs JavaScript.</p></noscript>
    <ul class="plain" data-field="choices">
      ${payers.map(
        (payer) =>
          html`<li class="card choice">
            <div><h2>${payer.displayName}</h2></div>
            <a class="button" data-iss href="${app.path}?iss=${encodeURIComponent(base(payer.id))}"
              >Open<span class="hidden"> ${payer.displayName}</span></a
            >
          </li>`,
      )}
    </ul>
  </div>`;
  return page({ title: app.brand.name, brand: app.brand, content, scripts });
};

/** The page that the gateway redirects back to. */
export const landingPage = (app: BrowserApp): string => {
  const content = html`<div data-page="landing" data-path="${app.path}">
    <p class="crumb"><a href="${app.path}">Start over</a></p>
    <h1>${app.brand.name}</h1>
    <p class="notice" data-field="status" role="status">Reading your record…</p>
    <noscript><p class="notice">This page needs JavaScript.</p></noscript>
    <section data-field="result" hidden>
      <dl class="facts">
        <div>
          <dt>Name</dt>
          <dd data-field="name"></dd>
        </div>
        <div>
          <dt>Born</dt>
          <dd data-field="birth-date"></dd>
        </div>
        <div>
          <dt>Observations</dt>
          <dd>
            <span data-field="observations"></span> <span class="quiet">in <span data-field="pages"></span> pages</span>
          </dd>
        </div>
        <div>
          <dt>Access until</dt>
          <dd data-field="expires"></dd>
        </div>
      </dl>
      <p>Read from <code data-field="base"></code></p>
      <div class="actions">
        <button type="button" class="second" data-action="renew">Renew access and read again</button>
      </div>
    </section>
    <p class="actions" data-field="again" hidden><a class="button" href="${app.path}">Try again</a></p>
  </div>`;
  return page({ title: app.brand.name, brand: app.brand, content, scripts });
};
