import { html } from '../html.ts';
import type { Html } from '../html.ts';
import { claimsOf, sumsOf } from '../store/claims.ts';
import type { ClaimEntry, ClaimSums } from '../store/claims.ts';
import { nameOfReference, resourceOf } from '../store/lists.ts';
import { figure, money, shortDay } from './format.ts';
import { sections } from './lists.ts';
import { pageNumber, pager, pathOf, recordPage } from './record.ts';
import type { RecordView } from './record.ts';

/** What care cost: billed, paid by the plan, left to the member. */
export const claimsPage = (view: RecordView): string => {
  const { db } = view.record.store;
  const claims = claimsOf(db, pageNumber(view.query));
  const coverage = [['Coverage', 'Coverage', 'State']] as const;
  const nothing = 'This record names no coverage.';
  const content = html`<h1>Claims and costs</h1>
    ${claims.rows.length === 0 ? html`<p role="status">This record has no claims.</p>` : sumsOf(db).map(sumsCard)}
    ${claims.rows.length > 0 && claimsTable(view, claims.rows)} ${pager(view, 'claims', claims)}
    ${sections(view, coverage, nothing)}`;
  return recordPage(view, 'claims', 'Claims and costs', content);
};

const sumsCard = ({ currency, count, billed, paid, owed }: ClaimSums): Html =>
  html`<section class="card" aria-label="All claims together">
    <dl class="facts sums">
      <div>
        <dt>Claims</dt>
        <dd>${figure(count)}</dd>
      </div>
      <div>
        <dt>Billed</dt>
        <dd data-field="billed">${money(billed, currency)}</dd>
      </div>
      <div>
        <dt>Paid by the plan</dt>
        <dd data-field="paid">${money(paid, currency)}</dd>
      </div>
      <div>
        <dt>Your share</dt>
        <dd data-field="owed">${money(owed, currency)}</dd>
      </div>
    </dl>
    <p class="quiet">
      Your share is what a claim says is yours, or else its copay, coinsurance and deductible. Plans agree on prices below
      what is billed, so the parts do not add up to the bill.
    </p>
  </section>`;

const claimsTable = (view: RecordView, claims: readonly ClaimEntry[]): Html =>
  html`<h2>Each claim</h2>
    <table class="stacked claims" aria-label="Each claim">
      <thead>
        <tr>
          <th scope="col">Claim</th>
          <th scope="col">Date</th>
          <th scope="col" class="number">Billed</th>
          <th scope="col" class="number">Paid by the plan</th>
          <th scope="col" class="number">Your share</th>
        </tr>
      </thead>
      <tbody>
        ${claims.map((claim) => claimRow(view, claim))}
      </tbody>
    </table>`;

const claimRow = ({ payer, record }: RecordView, claim: ClaimEntry): Html => {
  const { db } = record.store;
  const by = nameOfReference(db, resourceOf(db, claim)['provider']);
  const { currency } = claim;
  return html`<tr>
    <th scope="row">
      <a href="${pathOf(payer, 'entry', { type: claim.type, id: claim.id })}">${claim.title}</a>
      ${by !== '' && html`<br />${by}`} ${claim.detail !== '' && html`<br /><span class="quiet">${claim.detail}</span>`}
    </th>
    <td class="date">${shortDay(claim.date)}</td>
    <td class="number" data-label="Billed">${money(claim.billed, currency)}</td>
    <td class="number" data-label="Paid by the plan">${money(claim.paid, currency)}</td>
    <td class="number" data-label="Your share">${money(claim.owed, currency)}</td>
  </tr>`;
};
