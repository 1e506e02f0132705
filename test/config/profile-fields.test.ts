import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stageSchema } from '../../config/checks/schema.ts';
import type { IdentitySignIn, Payer, PayerExchange, PayerQuirks } from '../../functions/shared/registry/types.ts';

const textOf = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

/** The rule of each field. A field of the registry's types without a rule does not compile here. */
type Rules<T> = Readonly<Record<keyof T, unknown>>;

const { shape } = stageSchema.shape.payers.element;
const payer: Rules<Payer> = shape;
const quirks: Rules<PayerQuirks> = shape.quirks.unwrap().shape;
const wholeRecord: Rules<NonNullable<Payer['wholeRecord']>> = shape.wholeRecord.unwrap().shape;

const identitySignIn: Rules<IdentitySignIn> = shape.identitySignIn.unwrap().shape;

const exchange: Rules<PayerExchange> = shape.exchange.unwrap().shape;

it.each([payer, quirks, wholeRecord, identitySignIn, exchange].flatMap(Object.keys))(
  'docs/payers.md says when a payer needs %s',
  (field) => {
    expect(textOf('docs/payers.md')).toMatch(new RegExp(`\\b${field}\\b`));
  },
);

/** Turned off by the preset of a payer that refuses them, or nothing that a payer could see. */
const seenOtherwise = new Set(['responseType', 'pkce', 'pkceOffReason', 'redirectUriAtToken', 'signInOrigins']);

it.each(Object.keys(quirks).filter((quirk) => !seenOtherwise.has(quirk)))(
  'a sandbox payer insists on the quirk %s',
  (quirk) => {
    expect(textOf('test/e2e/payer-insists.test.ts')).toMatch(new RegExp(`\\b${quirk}\\b`));
  },
);
