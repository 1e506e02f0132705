import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stageSchema } from '../../config/checks/schema.ts';

const textOf = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

const { shape } = stageSchema.shape.payers.element;
const quirks = shape.quirks.unwrap().shape;
const ofPayers = [
  shape,
  quirks,
  ...[shape.wholeRecord, shape.identitySignIn, shape.exchange].map((one) => one.unwrap().shape),
];
const ofPartners = stageSchema.shape.partners.element.shape;
const ofStages = Object.keys(stageSchema.shape).filter((field) => field !== 'payers' && field !== 'partners');

it.each([
  ...ofPayers.flatMap((fields) => Object.keys(fields)).map((field) => ['docs/payers.md', 'payer', field] as const),
  ...ofStages.map((field) => ['docs/deploy.md', 'stage', field] as const),
  ...Object.keys(ofPartners).map((field) => ['docs/add-a-partner.md', 'partner', field] as const),
])('%s says when a %s needs %s', (page, of, field) => {
  // A stage's fields are words such as `tags`, so they must be written as fields.
  expect(textOf(page)).toMatch(new RegExp(of === 'stage' ? `\`${field}[\`:.]` : `\\b${field}\\b`));
});

/** Turned off by the preset of a payer that refuses them, or nothing that a payer could see. */
const seenOtherwise = new Set(['responseType', 'pkce', 'pkceOffReason', 'redirectUriAtToken', 'signInOrigins']);

it.each(Object.keys(quirks).filter((quirk) => !seenOtherwise.has(quirk)))(
  'a sandbox payer insists on the quirk %s',
  (quirk) => {
    expect(textOf('test/e2e/payer-insists.test.ts')).toMatch(new RegExp(`\\b${quirk}\\b`));
  },
);
