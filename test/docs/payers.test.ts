import { examplePublicKey } from '../../config/examples.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { blocksOf, codeSpansOf, documentAt } from './documents.ts';
import { loadPasted } from './pasted-stage.ts';

const page = documentAt('docs/payers.md');
const blocks = blocksOf(page).flatMap(({ language, code }) => (language === 'ts' ? [code] : []));

/** The examples in the table of quirks, such as `quirks: { aud: false }`. */
const examples = page.text
  .slice(page.text.indexOf('| the payer '))
  .split('\n\n')[0]!
  .split('\n')
  .flatMap((row) => codeSpansOf({ path: '', text: row.split('|')[2] ?? '' }))
  .filter((code) => /^\w+: /.test(code));

/** A stage whose second payer has the pasted fields. It may share the first one's secret. */
const payerWith = async (fields: string): Promise<Payer> => {
  const { payers } = await loadPasted(`
  production: false,
  partners: [],
  exchanges: {},
  identityProviders: [{ issuer: 'https://api.id.me/oidc', jwksUri: 'https://api.id.me/oidc/keys', algorithms: ['RS256'] }],
  payers: ['first-brand', 'plan'].map((id) =>
    smart({
      id,
      displayName: id,
      clientId: 'gateway',
      fhirBaseUrl: 'https://fhir.plan.example.org/' + id,
      authorizationEndpoint: 'https://login.plan.example.org/authorize',
      tokenEndpoint: 'https://login.plan.example.org/token',
      publicKeys: ${fields.includes('identitySignIn') ? JSON.stringify([examplePublicKey]) : '[]'},
      ...(id === 'plan' && {
${fields}
      }),
    }),
  ),
`);
  return payers.find(({ id }) => id === 'plan')!;
};

/** The names of the fields that a text writes at its own level. */
const namesOf = (fields: string): string[] => [...fields.matchAll(/^(\w+): /gm)].map(([, name = '']) => name);

describe('the fields that docs/payers.md has to paste', () => {
  it.each(blocks)('are fields of a payer that the check accepts: %s', async (fields) => {
    const names = namesOf(fields);

    expect(names.length).toBeGreaterThan(0);
    expect(Object.keys(await payerWith(fields))).toEqual(expect.arrayContaining(names));
  });

  it.each(examples)('are accepted one by one: %s', async (field) => {
    expect(Object.keys(await payerWith(field))).toEqual(expect.arrayContaining(namesOf(field)));
  });

  it('are these eight blocks and the examples of the quirks', () => {
    expect(blocks).toHaveLength(8);
    expect(examples.length).toBeGreaterThan(15);
  });

  it('are refused if one is misspelled', async () => {
    await expect(payerWith("linesOfBusines: ['Medicaid'],")).rejects.toThrow('linesOfBusines');
    await expect(payerWith('quirks: { audience: false }')).rejects.toThrow('audience');
  });
});
