import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { stageSchema } from '../../config/schema.ts';
import type { Partner, Payer, PayerQuirks } from '../../functions/shared/registry/types.ts';

type Stage = z.output<typeof stageSchema>;
type CheckedPayer = Stage['payers'][number];
type CheckedPartner = Stage['partners'][number];

/** A field of the registry's types that no rule checks is missing here, so that this file does not compile. */
const unchecked: Readonly<
  Record<
    | Exclude<keyof Payer, keyof CheckedPayer>
    | Exclude<keyof PayerQuirks, keyof CheckedPayer['quirks']>
    | Exclude<keyof NonNullable<Payer['wholeRecord']>, keyof NonNullable<CheckedPayer['wholeRecord']>>
    | Exclude<keyof Partner, keyof CheckedPartner>,
    never
  >
> = {};

const textOf = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

const payerFields = stageSchema.shape.payers.element.shape;
const quirks = Object.keys(payerFields.quirks.unwrap().shape);

it('every field of a payer and of a partner is checked', () => {
  expect(unchecked).toEqual({});
});

it.each([...Object.keys(payerFields), ...quirks, ...Object.keys(payerFields.wholeRecord.unwrap().shape)])(
  'docs/payers.md says when a payer needs the field %s',
  (field) => {
    expect(textOf('docs/payers.md')).toMatch(new RegExp(`\\b${field}\\b`));
  },
);

/** Turned off by the preset of a payer that refuses them, or nothing that a payer could see. */
const seenOtherwise = new Set(['responseType', 'pkce', 'pkceOffReason', 'redirectUriAtToken', 'signInOrigins']);

it.each(quirks.filter((quirk) => !seenOtherwise.has(quirk)))('a sandbox payer insists on the quirk %s', (quirk) => {
  expect(textOf('test/e2e/payer-insists.test.ts')).toMatch(new RegExp(`\\b${quirk}\\b`));
});
