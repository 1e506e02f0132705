import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markdownTable } from '../../bin/shared/markdown-table.ts';
import type { Fault } from '../../sandbox/payer/faults/fault.ts';

const file = join(import.meta.dirname, '../../docs/reports/payer-faults.md');

const preamble = `# A payer that misbehaves

Real payers do each of these. The sandbox's payers do them on request, so that you see what your app makes of each: on a
payer's page \`/admin\`, by a form (\`curl -d fault=slow -d fault=429 http://127.0.0.1:3003/admin\`; an empty form switches
all off), or from the start:

\`\`\`sh
npm start -- --northwind slow,429 --demo-health-plan drip
\`\`\`

At Demo Health Plan the gateway itself reads \`Patient\` at the end of a sign-in, to learn whose record it is. If a switch of
the FHIR API spoils that read, the sign-in comes back with \`server_error\`: switch it on after the sign-in.

\`test/sandbox/payer-faults.test.ts\`, \`payer-faults-bulk.test.ts\` and \`identity.test.ts\` test what a read gives with each,
\`payer-faults-export.test.ts\` what an export gives. To write this page:

    PAYER_FAULTS_DOC=write npm test -- test/sandbox/payer-faults.test.ts
`;

const exchangePreamble = `
## As the former plan of an exchange

These act where another plan asks for members' records (PDex 2.2), and nowhere else. Demo Health Plan answers such requests.
`;

/** The document that lists every switch. */
export const faultsPage = (faults: readonly Fault[]): string => {
  const ofExchanges = (name: string): boolean => name.startsWith('exchange-');
  const table = markdownTable(
    ['switch', 'what the payer does', 'what a read gives', 'what an export of the whole record gives'],
    faults
      .filter(({ name }) => !ofExchanges(name))
      .map(({ name, does, partnerSees, exportGives }) => [`\`${name}\``, does, partnerSees, exportGives]),
  );
  const exchanges = markdownTable(
    ['switch', 'what the payer does', 'what an exchange gives'],
    faults
      .filter(({ name }) => ofExchanges(name))
      .map(({ name, does, partnerSees }) => [`\`${name}\``, does, partnerSees]),
  );
  return [preamble, table, exchangePreamble, exchanges, ''].join('\n');
};

/** The document as it is written; PAYER_FAULTS_DOC=write writes it first. */
export const writtenPage = async (faults: readonly Fault[]): Promise<string> => {
  if (process.env['PAYER_FAULTS_DOC'] === 'write') await writeFile(file, faultsPage(faults));
  return readFile(file, 'utf8');
};
