import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'prettier';
import { markdownTable } from '../../bin/shared/markdown-table.ts';
import { backgroundCells } from './export-background.ts';
import { partnerCells } from './export-calls.ts';
import { callNames, checkpointCells, jobCells, jobFaults } from './export-job.ts';

const document = join(import.meta.dirname, '../../docs/reports/export-faults.md');

const introduction = `# What happens to an export when something fails

\`test/faults/exports.test.ts\` fails the calls of exports one at a time, and reads what the partner gets: the job's, at the first and the last place
where it makes them; those of a poll, a download, a DELETE and a kick-off; and those of what follows a change in the tables, with the sweep and the
delivery of events. To write this page:

    FAULTS_DOC=write npm run test:hard -- test/faults/exports

In every case a resource is in the record once, a record that is not whole says what is missing, an end leaves no payer token
and no key, and what is left over is sealed. "Answer lost": it happened, and nobody learned of it. "Killed": the process gets no
further than the next checkpoint, as if the invocation had been ended there.
`;

it('each call of an export that fails leaves a whole record or an honest one, and docs/reports/export-faults.md says which', async () => {
  const ofJob: string[][] = [];
  for (const call of Object.keys(callNames)) {
    const outcomes = new Map<string, { faults: string[]; row: readonly string[] }>();
    for (const fault of jobFaults) {
      for (const { saw, left, repairs } of await jobCells(call, fault)) {
        const known = outcomes.get(`${saw} ${left}`) ?? { faults: [], row: [saw, left, repairs] };
        known.faults.push(fault);
        outcomes.set(`${saw} ${left}`, known);
      }
    }
    for (const { faults, row } of outcomes.values()) ofJob.push([callNames[call] ?? call, faults.join('; '), ...row]);
  }
  const ofService = (await checkpointCells()).map(({ fault, saw, left, repairs }) => [fault, saw, left, repairs]);
  const ofOthers = [...(await partnerCells()), ...(await backgroundCells())].map(({ call, fault, saw, repairs }) => [
    call,
    fault,
    saw,
    repairs,
  ]);
  const sections = [
    introduction,
    '## The job\n',
    markdownTable(['call', 'fault', 'the partner sees', 'what is left', 'who repairs it'], ofJob),
    '\n## The durable service\n',
    markdownTable(['fault', 'the partner sees', 'what is left', 'who repairs it'], ofService),
    '\n## Kick-off, polls, downloads, DELETE, the streams, the sweep and deliveries\n',
    markdownTable(['call', 'fault', 'what is seen', 'who repairs it'], ofOthers),
    '',
  ];
  const written = await format(sections.join('\n'), { parser: 'markdown', printWidth: 120, proseWrap: 'preserve' });
  if (process.env['FAULTS_DOC'] === 'write') await writeFile(document, written);

  expect(await readFile(document, 'utf8')).toBe(written);
});
