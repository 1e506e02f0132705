import { html } from '../html.ts';
import type { PayerChoice } from '../payer-choice.ts';
import { page } from './layout.ts';

/** Asks before the connection ends. It needs no record: a payer that is down does not keep a member from leaving. */
export const disconnectPage = (payer: PayerChoice, formToken: string): string => {
  const title = `Disconnect ${payer.displayName}?`;
  return page({
    title,
    content: html`<section class="card problem">
      <h1>${title}</h1>
      <p class="lead">
        This app then can no longer read your record there, and deletes what it has read. ${payer.displayName} keeps your
        record. You can connect again at any time.
      </p>
      <div class="actions">
        <form method="post" action="/record/${payer.id}/disconnect">
          <input type="hidden" name="form_token" value="${formToken}" /><button class="danger">
            Disconnect ${payer.displayName}
          </button>
        </form>
        <a class="button second" href="/record/${payer.id}">Stay connected</a>
      </div>
    </section>`,
  });
};
