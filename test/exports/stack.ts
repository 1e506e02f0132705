import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { base64url } from '../../functions/shared/base64url.ts';
import { readKeptParts } from '../../functions/shared/exports/kept-parts.ts';
import { keptName, manifestName, prefixOf } from '../../functions/shared/exports/object-names.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import { writeBearer } from '../../functions/shared/store/bearers.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { sealPayerTokens } from '../../functions/shared/store/grant-item.ts';
import { putGrant, redeem } from '../../functions/shared/store/grants.ts';
import { unpaced } from '../../sandbox/aws/proxy-response.ts';
import { closersOf } from '../../sandbox/closers.ts';
import {
  kickOff,
  readLines,
  readStatus,
  type ExportFile,
  type Manifest,
  type Send,
} from '../../sandbox/partner/exports.ts';
import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { livingGrant } from '../support/living-grant.ts';
import { writeStage } from '../support/stage-files.ts';
import { startRecordPayer, type RecordPayer } from './payer.ts';
import { binaryOf, expectedLine, expectedLines, type PayerRecord } from './record.ts';

const payerId = 'demo-health-plan';

export interface StackOptions {
  readonly record: PayerRecord;
  readonly pageSize?: number;
  readonly pageMs?: number;
  readonly requestsPerSecond?: number;
  readonly environments?: number;
}

/** One export as its partner sees it. */
export interface PartnersExport {
  readonly exportId: string;
  readonly token: string;
  readonly status: () => ReturnType<typeof readStatus>;
  /**
   * Polls until the export is over. Between polls, sets the durable functions' clock forward by `passMs`, but only
   * while no job runs: a running job would soon be out of time. If `passMs` is 0, polls as often as the answers say.
   */
  readonly finish: (passMs?: number) => Promise<Manifest>;
  /** The lines of all output files. */
  readonly lines: (manifest: Manifest) => AsyncGenerator<string>;
  /**
   * Downloads all lines. A file that breaks off is asked for again, as partners are told. An attachment's URL becomes the
   * payer's, below the facade, if the file there is the payer's byte for byte.
   */
  readonly download: (manifest: Manifest) => Promise<readonly string[]>;
}

/** The local stack, with one payer and members' grants. */
export interface ExportStack {
  readonly stack: LocalStack;
  readonly payer: RecordPayer;
  /** All lines that the functions printed. */
  readonly printed: readonly string[];
  readonly begin: () => Promise<PartnersExport>;
  readonly expected: () => ReadonlyMap<string, string>;
  /** The line that an export must have for one resource. */
  readonly expectedLine: (type: string, index: number) => string;
  /** Lets the sweeps run, and returns the names of an export's objects that its manifest does not list. */
  readonly leftOver: (exportId: string) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** Sets in the stage's file how the payer's record is read. */
const changeStage = async (file: string, { record, requestsPerSecond }: StackOptions): Promise<void> => {
  const stage = JSON.parse(await readFile(file, 'utf8')) as { payers: { id: string }[]; partners: object[] };
  const wholeRecord = {
    searches: Object.keys(record.counts),
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
  };
  const payers = stage.payers.map((payer) =>
    payer.id === payerId ? Object.assign(payer, { everything: false, wholeRecord }) : payer,
  );
  // No receiver listens for events here, and a hundred exports may be started at once.
  const rate = { perSecond: 1000, burst: 2000 };
  const partners = stage.partners.map((partner) => Object.assign(partner, { webhook: undefined, rate }));
  await writeFile(file, JSON.stringify({ ...stage, payers, partners }));
};

/** Writes a grant as a sign-in and a redemption leave it. */
const makeGrant = async (stack: LocalStack, payer: RecordPayer, patient: string): Promise<string> => {
  const settings = { endpoint: stack.awsEndpoint, region: 'us-east-1' };
  const client = new DynamoDBClient({ ...settings, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
  const grants = { client, name: stack.tables['grants'] ?? '' };
  const answer = await fetch(`http://127.0.0.1:${payer.port}/oauth2/token`, { method: 'POST' });
  const { access_token: accessToken } = (await answer.json()) as { access_token: string };
  const now = Math.floor(Date.now() / 1000);
  const grantId = base64url(randomBytes(16));
  const grantKey = randomBytes(32);
  const token = writeBearer({ kind: 'access', grantId, grantKey, secret: randomBytes(32) });
  const scope = parseScopes('launch/patient patient/*.rs offline_access');
  const tokens = { accessToken, refreshToken: 'payer-refresh-secret', expiresAt: now + 3600 };
  const made = livingGrant(now, {
    grantId,
    payer: payerId,
    partner: 'demo-partner',
    scope,
    patient,
    endsAt: now + 90 * 86_400,
    expiresAt: now + 60,
    codeHash: sha256(grantId),
  });
  const grant = { ...made, sealedPayerTokens: sealPayerTokens(tokens, { grant: made, grantKey, iv: randomBytes(12) }) };
  const request = { now, requestId: 'login' };
  await putGrant(grants, grant, request);
  const access = { hash: sha256(token), expiresAt: now + 24 * 3600, scope };
  await redeem(grants, grant, { access, refreshHash: sha256('refresh'), familyHash: sha256('family') }, request);
  client.destroy();
  return token;
};

const mostDownloads = 5;

const downloadFile = async (file: ExportFile, send: Send): Promise<readonly string[]> => {
  for (let tries = 1; ; tries += 1) {
    try {
      const lines: string[] = [];
      for await (const line of readLines(file, send)) lines.push(line);
      return lines;
    } catch (error) {
      if (tries === mostDownloads) throw error;
      await sleep(1000);
    }
  }
};

/** The payer's URLs below the facade, by the URLs of the attachments' files whose content is the payer's. */
const readAttachments = async (
  { extension }: Manifest,
  record: PayerRecord,
  facade: string,
  send: Send,
): Promise<ReadonlyMap<string, string>> => {
  const digestOf = async (chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> => {
    const hash = createHash('sha256');
    for await (const chunk of chunks) hash.update(chunk);
    return hash.digest('hex');
  };
  const own = new Map<string, string>();
  for (const index of (record.attachments ?? []).keys())
    own.set(await digestOf(binaryOf(record, index)), `${facade}/Binary/b${index}`);
  const found = new Map<string, string>();
  for (const { url } of extension?.attachments ?? []) {
    const { body } = await send(url);
    found.set(url, own.get(await digestOf(body!)) ?? 'another content');
  }
  return found;
};

const beginExport = async (stack: LocalStack, token: string, record: PayerRecord): Promise<PartnersExport> => {
  const send: Send = async (url, { method = 'GET', headers = {} } = {}) => {
    for (;;) {
      const answer = await fetch(url, { method, headers: { ...headers, authorization: `Bearer ${token}` } });
      // The local functions have few environments, so a call may be throttled.
      if (answer.status !== 503) return answer;
      await answer.body?.cancel();
      await sleep(200);
    }
  };
  const location = await kickOff(`${stack.origin}/r4/${payerId}`, send);
  const linesOf = async function* ({ output }: Manifest): AsyncGenerator<string> {
    for (const file of output) yield* readLines(file, send);
  };
  return {
    exportId: location.split('/').at(-1) ?? '',
    token,
    status: () => readStatus(location, send),
    finish: async (passMs = 40_000) => {
      for (;;) {
        const status = await readStatus(location, send);
        if (status.done) return status.manifest;
        await sleep(passMs > 0 ? 300 : status.retryAfterSeconds * 1000);
        if (passMs > 0 && (stack.pids()['exportJob'] ?? []).length === 0) stack.durable.passTime(passMs);
      }
    },
    lines: linesOf,
    download: async (manifest) => {
      const attachments = await readAttachments(manifest, record, `${stack.origin}/r4/${payerId}`, send);
      const all: string[] = [];
      for (const file of manifest.output) all.push(...(await downloadFile(file, send)));
      return all.map((line) =>
        line.replaceAll(/(?<="url":")[^"]+/g, (url) => attachments.get(url) ?? `not a file: ${url}`),
      );
    },
  };
};

const objectsOf = (stack: LocalStack, exportId: string): ReadonlyMap<string, Buffer> => {
  const found = new Map<string, Buffer>();
  for (const [name, bytes] of stack.storedObjects()) {
    const key = name.slice(name.indexOf('/') + 1);
    if (key.startsWith(prefixOf(exportId))) found.set(key, bytes);
  }
  return found;
};

export const startExportStack = async (options: StackOptions): Promise<ExportStack> => {
  const { record, pageSize, pageMs, environments } = options;
  const { opened, closeAll } = closersOf();
  const folder = await mkdtemp(join(tmpdir(), 'gateway-exports-'));
  const close = async (): Promise<void> => {
    await closeAll();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    let fhirBase = '';
    const payer = opened(
      await startRecordPayer(record, {
        base: () => fhirBase,
        ...(pageSize === undefined ? {} : { pageSize }),
        ...(pageMs === undefined ? {} : { pageMs }),
      }),
    );
    const files = await writeStage(folder, { payerPort: payer.port, clientSecret: 'our-secret-at-the-payer' });
    fhirBase = files.payers.find(({ id }) => id === payerId)?.fhirBaseUrl ?? '';
    await changeStage(files.configFile, options);
    const printed: string[] = [];
    const stack = opened(
      await startLocalStack({
        ports: 'free',
        pace: unpaced,
        configFile: files.configFile,
        secretsFile: files.secretsFile,
        ...(environments === undefined ? {} : { environments }),
        onFunctionLog: (name, line) => void printed.push(`${name} ${line}`),
      }),
    );
    const facade = `${stack.origin}/r4/${payerId}`;
    return {
      stack,
      payer,
      printed,
      begin: async () => beginExport(stack, await makeGrant(stack, payer, record.patient), record),
      expected: () => expectedLines(record, fhirBase, facade),
      expectedLine: (type, index) => expectedLine(record, type, index, fhirBase, facade),
      leftOver: async (exportId) => {
        await stack.streamsIdle();
        const isSweep = ({ name }: { readonly name: string }): boolean => name === `${exportId}-ended`;
        const waits = (): boolean =>
          stack.durable.executions().find(isSweep)?.open.includes('until nothing runs') === true;
        while (!waits()) await sleep(100);
        stack.durable.passTime(21 * 60_000);
        await stack.durable.over(`${exportId}-ended`);
        const objects = objectsOf(stack, exportId);
        const kept = readKeptParts(objects.get(keptName(exportId))?.toString('utf8') ?? '');
        const named = new Set([...kept, keptName(exportId), manifestName(exportId)]);
        return [...objects.keys()].filter((name) => !named.has(name));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

/** How an export differs from the payer's record; empty if each resource is there once, as the payer wrote it. */
export const differences = (lines: readonly string[], expected: ReadonlyMap<string, string>): readonly string[] => {
  const found = new Set<string>();
  const all: string[] = [];
  for (const line of lines) {
    const { resourceType, id } = JSON.parse(line) as { resourceType: string; id: string };
    const name = `${resourceType}/${id}`;
    if (resourceType === 'Provenance') continue;
    if (found.has(name)) all.push(`twice: ${name}`);
    found.add(name);
    if (!expected.has(name)) all.push(`not the payer's: ${name}`);
    else if (expected.get(name) !== line) all.push(`changed: ${name}`);
  }
  for (const name of expected.keys()) if (!found.has(name)) all.push(`missing: ${name}`);
  return all;
};
