import { format } from 'prettier';
import { markdownTable } from '../../bin/shared/markdown-table.ts';
import type { CatalogedPayer, Fact, Field } from '../../config/catalog/fact.ts';
import { examplePublicKey, pendingClientId } from '../../config/examples.ts';

/** What has to be known before a member can sign in. */
export const decisiveFields: readonly Field[] = [
  'fhirBaseUrl',
  'authorizationEndpoint',
  'tokenEndpoint',
  'clientAuthentication',
  'scopes',
  'patientFrom',
  'quirks.aud',
  'quirks.pkce',
];

const factOf = ({ facts }: CatalogedPayer, field: Field): Fact | undefined =>
  facts.find((fact) => fact.field === field);

/** Whether the facts are a whole profile, but for what only a registration gives. */
export const isComplete = (payer: CatalogedPayer): boolean =>
  decisiveFields.every((field) => factOf(payer, field) !== undefined);

const reserved = (path: string): string => `https://not-known.invalid/${path}`;

/** The facts as a profile: an id at the payer and a key come from its registration, and gaps get a placeholder. */
export const profileOf = (payer: CatalogedPayer): Readonly<Record<string, unknown>> => {
  const values = new Map<string, unknown>(payer.facts.map(({ field, value }) => [field, value]));
  const quirks = [...values].flatMap(([field, value]) =>
    field.startsWith('quirks.') ? [[field.slice('quirks.'.length), value]] : [],
  );
  const fields = [...values].filter(([field]) => !field.startsWith('quirks.'));
  return {
    fhirBaseUrl: reserved('r4'),
    authorizationEndpoint: reserved('authorize'),
    tokenEndpoint: reserved('token'),
    clientAuthentication: 'client_secret_basic',
    scopes: [],
    ...Object.fromEntries(fields),
    id: payer.id,
    displayName: payer.displayName,
    clientId: pendingClientId,
    ...(values.get('clientAuthentication') === 'private_key_jwt' || values.has('identitySignIn')
      ? { publicKeys: [examplePublicKey] }
      : {}),
    quirks: Object.fromEntries(quirks),
  };
};

const introduction = `# What is published about seventeen payers

\`config/catalog/\` holds what public sources say about seventeen real payers (Medicare in both versions of its API), each fact with its
source and date. **Published, not tried:** this project has connected to none of them, published endpoints go stale, and a sandbox differs from production. No stage
reads the catalog. To add a payer, ask it, and run \`npm run payers -- learn URL\` ([payers](../payers.md)).

**As former plans** ([exchanges](../payer-exchange.md)): no public source that was found by 2026-12-01 says where any of them answers
\`$bulk-member-match\` and \`$davinci-data-export\`, with which scopes, or which client it takes; CMS-0057-F asks it from 2027. What two
publish of other ways is under their \`exchange\`. Ask each plan for what [its \`exchange\`](../payers.md#payer-to-payer-exchange) needs.

A profile is complete here if public sources say all that a first login needs: FHIR base, endpoints, how the gateway
authenticates, scopes, what names the patient, \`aud\` and PKCE. The client id, the secret or key, and the registration come from the
payer in any case. To write this page:

    CATALOG_DOC=write npx jest test/config/catalog.test.ts

(with \`NODE_OPTIONS=--experimental-vm-modules\`, as in \`npm test\`).
`;

const countText = (field: Field, list: readonly unknown[]): string =>
  field === 'wholeRecord' ? `${list.length} types` : `\`${JSON.stringify(list)}\``;

const valueText = ({ field, value }: Fact): string => {
  if (Array.isArray(value) && value.length > 2) return `${value.length} entries`;
  if (field !== 'wholeRecord' && field !== 'identitySignIn') return `\`${JSON.stringify(value)}\``;
  return Object.entries(value as object)
    .map(([name, inner]) => `${name}: ${Array.isArray(inner) ? countText(field, inner) : `\`${String(inner)}\``}`)
    .join(', ');
};

/** The sources of a page, each with its number. */
const numbered = (payers: readonly CatalogedPayer[]): Map<string, number> => {
  const urls = payers.flatMap(({ facts, remarks }) => [...facts, ...remarks].map(({ source }) => source.url));
  return new Map([...new Set(urls)].map((url, index) => [url, index + 1]));
};

const overview = (payers: readonly CatalogedPayer[]): string =>
  markdownTable(
    ['payer', 'environment', 'as a profile', 'what is missing, and why'],
    payers.map((payer) => [
      payer.displayName,
      payer.environment,
      isComplete(payer) ? 'complete' : 'not complete',
      payer.missing.map(({ field, why }) => `\`${field}\`: ${why}`).join('; ') || 'nothing',
    ]),
  );

const section =
  (numbers: ReadonlyMap<string, number>) =>
  ({ displayName, facts, remarks }: CatalogedPayer): string => {
    const cite = ({ source: { url, date } }: Pick<Fact, 'source'>): string => `[${date}][${numbers.get(url)}]`;
    const rows = facts.map((fact) => [`\`${fact.field}\``, valueText(fact), cite(fact), fact.note ?? '']);
    return [
      `## ${displayName}`,
      markdownTable(['field', 'value', 'source', 'note'], rows),
      remarks.map((remark) => `- ${remark.text} (${cite(remark)})`).join('\n'),
    ].join('\n\n');
  };

/** The page about a catalog. */
export const catalogDocument = (payers: readonly CatalogedPayer[]): Promise<string> => {
  const complete = payers.filter(isComplete).length;
  const sum = `${complete} of ${payers.length} are complete as profiles.`;
  const numbers = numbered(payers);
  const sources = [...numbers].map(([url, number]) => `[${number}]: ${url}`).join('\n');
  return format([introduction, sum, overview(payers), ...payers.map(section(numbers)), sources].join('\n\n'), {
    parser: 'markdown',
    printWidth: 120,
    proseWrap: 'preserve',
  });
};
