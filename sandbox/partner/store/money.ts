import type { CodeableConcept, Resource } from '../fhir.ts';

/** A claim's amounts in cents of its currency. Undefined where the claim does not say. */
export interface ClaimCosts {
  readonly currency: string;
  /** What the provider charged. */
  readonly billed: number | undefined;
  /** What the plan paid. */
  readonly paid: number | undefined;
  /** What is left to the member. */
  readonly owed: number | undefined;
}

interface Money {
  /** The amount as text, exactly as the payer sent it. */
  readonly value?: string;
  readonly currency?: string;
}

interface Total {
  readonly category?: CodeableConcept;
  readonly amount?: Money;
}

const centsOf = (money: Money | undefined): number | undefined => {
  const cents = Math.round(Number(money?.value ?? Number.NaN) * 100);
  return Number.isSafeInteger(cents) ? cents : undefined;
};

const sumOf = (amounts: readonly (number | undefined)[]): number | undefined => {
  const known = amounts.filter((amount) => amount !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, amount) => sum + amount, 0);
};

/**
 * The costs of an ExplanationOfBenefit, from its totals by CARIN Blue Button's categories
 * (https://hl7.org/fhir/us/carin-bb/CodeSystem-C4BBAdjudication.html). A total that is absent is not computed from
 * others, except what the member owes: without `memberliability`, it is copay, coinsurance and deductible.
 */
export const costsOf = (claim: Resource): ClaimCosts => {
  const totals = (claim['total'] ?? []) as readonly Total[];
  const byCode = new Map<string, number | undefined>();
  for (const { category, amount } of totals)
    for (const { code } of category?.coding ?? []) if (code !== undefined) byCode.set(code, centsOf(amount));
  const payment = claim['payment'] as { readonly amount?: Money } | undefined;
  const paid = sumOf([byCode.get('paidtoprovider'), byCode.get('paidtopatient')]);
  return {
    currency: totals.find(({ amount }) => amount?.currency !== undefined)?.amount?.currency ?? 'USD',
    billed: byCode.get('submitted'),
    paid: paid ?? byCode.get('benefit') ?? centsOf(payment?.amount),
    owed:
      byCode.get('memberliability') ??
      sumOf([byCode.get('copay'), byCode.get('coinsurance'), byCode.get('deductible')]),
  };
};
