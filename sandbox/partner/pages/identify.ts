import { html } from '../html.ts';
import type { PayerChoice } from '../payer-choice.ts';
import { page } from './layout.ts';

/** Asks for the member's consent, since neither the gateway nor the payer will. */
export const identifyPage = (payer: PayerChoice, formToken: string, provider: string): string => {
  const title = `Connect ${payer.displayName} with your identity`;
  return page({
    title,
    content: html`<section class="card problem">
      <h1>${title}</h1>
      <p class="lead">
        You need no account at ${payer.displayName}. You prove who you are at ${provider}, and ${payer.displayName} looks
        for your record by your name, birthdate, address and the last four digits of your Social Security number. We only
        read the record, and keep none of these details.
      </p>
      <div class="actions">
        <form method="post" action="/identify/${payer.id}/begin">
          <input type="hidden" name="form_token" value="${formToken}" /><button>I agree: prove who I am</button>
        </form>
        <a class="button second" href="/">Not now</a>
      </div>
    </section>`,
  });
};
