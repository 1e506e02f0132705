import { html } from '../html.ts';
import type { PayerChoice } from '../payer-choice.ts';
import type { Problem } from '../problem.ts';
import { page } from './layout.ts';

/** An error page: what happened, on whose side, and one thing to do. Without a payer, it leads back to the start. */
export const problemPage = (problem: Problem, payer: PayerChoice | undefined): string => {
  const [path, words] =
    problem.next === 'reload' ? ['/record', 'Try again'] : ['/connect', problem.action ?? 'Try again'];
  const next =
    payer === undefined
      ? html`<a class="button" href="/">Back to the start</a>`
      : html`<a class="button" href="${path}/${payer.id}">${words}</a>
          <a class="button second" href="/">Choose another plan</a>`;
  return page({
    title: problem.title,
    content: html`<section class="card problem">
      <h1>${problem.title}</h1>
      <p class="lead">${problem.text}</p>
      <p class="actions">${next}</p>
      ${problem.detail !== undefined && html`<p class="quiet">For support: <code>${problem.detail}</code></p>`}
    </section>`,
  });
};
