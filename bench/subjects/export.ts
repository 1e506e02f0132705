import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { startExportStack } from '../export-stack.ts';
import { measure, timed } from '../measure.ts';
import { patientId, recordPath, type PagedRecord } from '../payer-data.ts';
import { atLeast, inWords, ratios, rowsOf, seriesOf } from '../report.ts';
import { spreadOf } from '../statistics.ts';
import type { World } from '../world.ts';
import type { Step } from './step.ts';

interface Bundle {
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry: readonly { readonly resource: object }[];
}

/** The lines of a record, page after page. */
const linesOf = async function* (base: string): AsyncGenerator<string> {
  let url: string | undefined = `${base}/Patient/${patientId}/$everything`;
  while (url !== undefined) {
    const answer = await fetch(url, { headers: { accept: 'application/fhir+json' } });
    const { link, entry } = (await answer.json()) as Bundle;
    for (const { resource } of entry) yield `${JSON.stringify(resource)}\n`;
    url = link.find(({ relation }) => relation === 'next')?.url;
  }
};

/** The bare loop: it pages through the record and writes it to one file. @throws Error if a line is missing */
const pageAndWrite = async ({ folder, payerOrigin }: World, record: PagedRecord): Promise<void> => {
  let lines = 0;
  const counted = async function* (): AsyncGenerator<string> {
    for await (const line of linesOf(payerOrigin + recordPath(record))) {
      lines += 1;
      yield line;
    }
  };
  await pipeline(counted(), createWriteStream(join(folder, 'record.ndjson')));
  if (lines !== record.resources) throw new Error(`${lines} lines instead of ${record.resources}`);
};

/** An export of 50,000 resources, from its kick-off to the poll that finds it complete. */
export const exportRecord: Step = {
  name: 'export',
  run: async (world) => {
    const record: PagedRecord = { resources: world.quick ? 500 : 50_000, pageMs: 50 };
    const { signIn, exportRecord: run, close } = await startExportStack(world, record);
    try {
      const measured = await measure(
        [
          {
            name: 'export',
            kind: 'ours',
            start: () => async () => {
              const accessToken = await signIn();
              return timed(async () => {
                const { output } = await run(accessToken);
                const count = output.reduce((sum, file) => sum + file.count, 0);
                // One organization that the readings refer to, and the gateway's Provenance, are two more.
                if (count !== record.resources + 2)
                  throw new Error(`${count} resources instead of ${record.resources + 2}`);
              });
            },
          },
          {
            name: 'bare loop',
            kind: 'floor',
            start: () => () => timed(() => pageAndWrite(world, record)),
          },
        ],
        { rounds: world.quick ? 1 : 4, operations: 1, warmUpOperations: 0 },
      );
      const ratio = spreadOf(ratios(seriesOf(measured, 'bare loop'), seriesOf(measured, 'export'), 'wallMs'));
      return {
        name: 'export',
        what: `a record of ${record.resources} resources, 100 a page, ${record.pageMs} ms a page`,
        plan: measured.plan,
        rows: rowsOf(measured, { wallOnly: true }),
        missing: measured.missing,
        budgets: [
          atLeast({
            name: "throughput to the bare loop's",
            // A short record is over before the job's start has paid off.
            value: world.quick ? undefined : ratio.median,
            limit: 0.95,
            unit: ' ×',
            detail: inWords(ratio),
          }),
        ],
        notes: [
          'From the kick-off to the status 200, on the local stack: a process for each invocation of the job.',
          `ratios of throughput: ${inWords(ratio)}`,
        ],
      };
    } finally {
      await close();
    }
  },
};
