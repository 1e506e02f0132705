const { rawJSON } = JSON as typeof JSON & { rawJSON: (this: void, text: string) => unknown };

/** Reads JSON whose numbers keep their text: FHIR decimals carry their precision. */
const parseExactly = (text: string): Record<string, unknown> => {
  const keep = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined ? rawJSON(context.source) : value;
  return JSON.parse(text, keep) as Record<string, unknown>;
};

interface Adjudicated {
  readonly adjudication?: readonly { readonly amount?: unknown }[];
  readonly unitPrice?: unknown;
  readonly net?: unknown;
}

/** An adjudication without amounts says how a claim was decided, not how much was paid. */
const unpriced = (part: Adjudicated & Record<string, unknown>): Record<string, unknown> => {
  const { adjudication = [], unitPrice: _unitPrice, net: _net, ...rest } = part;
  const kept = adjudication.filter(({ amount }) => amount === undefined);
  return { ...rest, ...(kept.length > 0 && { adjudication: kept }) };
};

/** CARIN 2.2's profile of the same claim without its financial data. */
const basisOf = (profile: string): string =>
  profile.replace(/(\/C4BB-ExplanationOfBenefit-[\w-]+)\|.*$/, '$1-Basis|2.2.0');

/**
 * A resource as one plan tells another: a claim has no financial data, by CARIN's Basis profiles (pdex-158). Prior
 * authorizations and all else stay as they are.
 */
export const withoutMoney = (text: string): string => {
  if (!text.startsWith('{"resourceType":"ExplanationOfBenefit"')) return text;
  const claim = parseExactly(text);
  if (claim['use'] !== 'claim') return text;
  const { total: _total, payment: _payment, item, meta, ...rest } = claim;
  const { profile = [], ...furtherMeta } = meta as { readonly profile?: readonly string[] };
  const items = (item as readonly Record<string, unknown>[]).map(unpriced);
  const { resourceType, id, ...fields } = unpriced({ ...rest, item: items });
  return JSON.stringify({ resourceType, id, meta: { ...furtherMeta, profile: profile.map(basisOf) }, ...fields });
};
