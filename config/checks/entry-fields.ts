/** Fields that payers and partners both have. */
import * as z from 'zod';
import type { Identifier } from '../../functions/shared/registry/types.ts';
import { distinct } from './distinct.ts';
import { checkUnique, problem, text, type Context, type Fields } from './fields.ts';
import * as rules from './rules.ts';

const json = z.json();

const jwk = z.looseObject({ kty: z.string(), kid: text(rules.givenName) }).superRefine((key, context) => {
  // RFC 7517 §4: a key's members are JSON.
  for (const [name, value] of Object.entries(key)) {
    if (!json.safeParse(value).success) {
      context.addIssue({ code: 'custom', path: [name], message: 'is not JSON; write the key as its JWK has it' });
    }
  }
  const message = rules.publicJwk(key);
  if (message !== undefined) problem(context, [], message);
});
const publicJwk = distinct('key', jwk);

export const publicKeys = z.array(publicJwk).superRefine((keys, context) =>
  checkUnique(
    context,
    [],
    keys.map(({ kid }) => kid),
    'kid',
  ),
);

/** A number of seconds. */
export const upTo = (longest: number, shortest = 1) =>
  z
    .int()
    .min(shortest, `is too short; write at least ${shortest} (seconds)`)
    .max(longest, `is longer than allowed; write at most ${longest} (seconds)`);

/** Reports each issuer that is in a list twice. */
export const checkIssuers = (entries: readonly { readonly issuer: string }[], context: Context): void =>
  checkUnique(
    context,
    [],
    entries.map(({ issuer }) => issuer),
    'issuer',
  );

/** What identifies a plan. If two plans shared one, records could be requested from, or for, the wrong plan. */
const planIdentifier = distinct(
  'identifier',
  z.strictObject({ system: text(rules.identifierSystem), value: text(rules.givenName) } satisfies Fields<Identifier>),
);

export const identifiers = z
  .array(planIdentifier)
  .min(
    1,
    'is empty; write identifiers of the plan, such as { system: "http://hl7.org/fhir/sid/us-npi", value: its NPI }',
  )
  .superRefine((values, context) => {
    for (const [index, identifier] of values.entries()) {
      const message = rules.identifier(identifier);
      if (message !== undefined) problem(context, [index, 'value'], message);
    }
    checkUnique(
      context,
      [],
      values.map(({ system, value }) => JSON.stringify([system, value])),
    );
  });
