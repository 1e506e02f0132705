import { nodeOptionsOf } from '../bundles.ts';
import { startExportStack, type ExportStack } from '../export-stack.ts';
import { measure, timed, type Candidate, type Kind } from '../measure.ts';
import { atLeast, inWords, ratios, rowsOf, seriesOf } from '../report.ts';
import { startServer } from '../servers/start.ts';
import { few, measured as parties, registryOfSize } from '../stage.ts';
import { spreadOf } from '../statistics.ts';
import type { World } from '../world.ts';
import type { Step } from './step.ts';

const region = 'us-east-1';

/** The variables of the export function, as its stack sets them. */
const variablesOf = ({ payerOrigin }: World, { stack }: ExportStack, nodeOptions: string): Record<string, string> => {
  const { awsEndpoint, origin, tables, buckets, keys } = stack;
  return {
    AWS_ENDPOINT_URL: awsEndpoint,
    AWS_ENDPOINT_URL_DYNAMODB: awsEndpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: awsEndpoint,
    AWS_REGION: region,
    // The endpoint refuses what this function may not do.
    AWS_ACCESS_KEY_ID: 'export',
    ORIGIN: origin,
    STAGE: 'bench',
    LIFETIMES: JSON.stringify(registryOfSize(payerOrigin, few).lifetimes),
    REGISTRY_TABLE: tables['registry'] ?? '',
    GRANTS_TABLE: tables['grants'] ?? '',
    EXPORTS_TABLE: tables['exports'] ?? '',
    AUDIT_TABLE: tables['auditEvents'] ?? '',
    LIMITS_TABLE: tables['limits'] ?? '',
    EXPORTS_BUCKET: buckets['files'] ?? '',
    EXPORTS_KEY: keys['exports'] ?? '',
    PAYER_SECRET_PREFIX: 'p2p/bench/payers/',
    NODE_OPTIONS: nodeOptions,
  };
};

/** Reads a body to its end and returns its length. @throws Error for any status but 200 */
const drain = async (url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> => {
  const answer = await fetch(url, { headers: { 'accept-encoding': 'identity', ...headers } });
  if (answer.status !== 200) throw new Error(`no file, but ${answer.status}: ${await answer.text()}`);
  let bytes = 0;
  for await (const piece of answer.body ?? []) bytes += (piece as Uint8Array).length;
  return bytes;
};

const candidate = (name: string, kind: Kind, download: () => Promise<number>, least: number): Candidate => ({
  name,
  kind,
  start: () => () =>
    timed(async () => {
      const bytes = await download();
      if (bytes < least) throw new Error(`${bytes} bytes instead of ${least} or more`);
    }),
});

/** One file of an export through the export function, and the same objects through a pipe. */
export const download: Step = {
  name: 'download',
  run: async (world) => {
    const resources = world.quick ? 1000 : 75_000;
    const exports = await startExportStack(world, { resources, pageMs: 0 });
    const nodeOptions = await nodeOptionsOf(world, 'export');
    const server = await startServer('download', variablesOf(world, exports, nodeOptions));
    try {
      const accessToken = await exports.signIn();
      const { output } = await exports.exportRecord(accessToken);
      const file = output.find(({ type }) => type === 'Observation');
      if (file === undefined) throw new Error('The export has no file of observations');
      const path = new URL(file.url).pathname;
      // The other parts, of one resource each, are below 10 KB.
      const objects = [...exports.stack.storedObjects()]
        .filter(([name, bytes]) => name.includes('/parts/') && bytes.length > 10_000)
        .map(([name]) => ['object', name.slice(name.indexOf('/') + 1)]);
      const pipe = `${server.origin}/pipe?${new URLSearchParams(objects)}`;
      const authorization = { authorization: `Bearer ${accessToken}` };
      const ours = (): Promise<number> => drain(server.origin + path, authorization);
      const bytes = await ours();
      await drain(pipe);
      const measured = await measure(
        [candidate('export', 'ours', ours, bytes), candidate('bare pipe', 'floor', () => drain(pipe), bytes)],
        { rounds: world.quick ? 1 : 12, operations: 1, warmUpOperations: world.quick ? 0 : 1 },
      );
      const ratio = spreadOf(ratios(seriesOf(measured, 'bare pipe'), seriesOf(measured, 'export'), 'wallMs'));
      return {
        name: 'download',
        what: `a file of ${Math.round(bytes / 1e6)} MB of payer ${parties.payer}'s record`,
        plan: measured.plan,
        rows: rowsOf(measured, { wallOnly: true }),
        missing: measured.missing,
        budgets: [
          atLeast({
            name: "throughput to the bare pipe's",
            value: ratio.median,
            limit: 0.75,
            unit: ' ×',
            detail: inWords(ratio),
          }),
        ],
        notes: [],
      };
    } finally {
      server.close();
      await exports.close();
    }
  },
};
