import type { ExportDeps } from '../../functions/export/deps.ts';
import { exportHandler } from '../../functions/export/handler.ts';
import { nowSeconds } from '../../functions/shared/clock.ts';
import { unavailable } from '../../functions/shared/errors.ts';
import type { TypeOutcome } from '../../functions/shared/exports/manifest.ts';
import { exportPrivateKey } from '../../functions/shared/exports/sealing-key.ts';
import type { ApiEvent } from '../../functions/shared/http/api.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { readExport, type Export, type ExportStatus } from '../../functions/shared/store/export-item.ts';
import { beginExport, endExport } from '../../functions/shared/store/exports.ts';
import { fetchGateway, read, type TestGrant } from './fetch-gateway.ts';
import { apiEvent } from './gateway.ts';
import { sealExport, type PlainFile } from './sealed-export.ts';
import { callStreaming, type StreamedAnswer, type StreamOptions } from './stream-handler.ts';

/** What a partner sends to start an export. */
export const async = { Prefer: 'respond-async', Accept: 'application/fhir+json' };

/** What is known of a grant to whoever holds its access token. */
export type StartedGrant = Pick<TestGrant, 'grantId' | 'grantKey' | 'token'>;

/** Everything that exports need, from the kick-off to the files. */
export const exportGateway = (options: { registry?: RegistryData } = {}) => {
  const test = fetchGateway(options);
  test.payer.http = () => Promise.reject(new Error('an export calls no payer here'));
  const objects = new Map<string, Uint8Array>();
  const opened: string[] = [];
  const woken: string[] = [];
  const openObject: ExportDeps['openObject'] = async (name) => {
    opened.push(name);
    const bytes = objects.get(name);
    if (bytes === undefined) throw unavailable('s3: NoSuchKey');
    return (async function* () {
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
    })();
  };
  const deps = {
    ...test.deps,
    openObject,
    wakeJob: async (callbackId: string): Promise<void> => void woken.push(callbackId),
  };
  const stored = (grantId: string): Export | undefined => {
    const item = test.dynamo.items('Exports').get(grantId);
    return item === undefined ? undefined : readExport(item);
  };
  const requireStored = (grantId: string): Export => {
    const item = stored(grantId);
    if (item === undefined) throw new Error('no export');
    return item;
  };
  /** Starts an export, and returns its item. */
  const start = async ({ token, grantId }: StartedGrant, query = ''): Promise<Export> => {
    const answer = await read(deps, 'Patient/$export', token, { headers: async, query });
    if (answer.statusCode !== 202)
      throw new Error(`the kick-off was answered with ${answer.statusCode}: ${answer.text}`);
    test.dynamo.calls();
    return requireStored(grantId);
  };
  /** Does what the job does at its begin. */
  const begin = async (item: Export): Promise<void> => {
    const now = nowSeconds(deps.clock);
    await beginExport(deps.exports, item, { stateKey: Buffer.from('sealed'), executionArn: 'arn:execution', now });
  };
  /** Does what the job does at its end. */
  const end = async (
    { grantKey }: StartedGrant,
    item: Export,
    files: readonly PlainFile[],
    how: { status?: Exclude<ExportStatus, 'running'>; outcomes?: readonly TypeOutcome[]; lives?: number } = {},
  ) => {
    const { exportId, exportSecret } = item;
    const privateKey = exportPrivateKey(grantKey, exportSecret);
    const sealed = await sealExport(objects, {
      exportId,
      privateKey,
      files,
      ...(how.outcomes === undefined ? {} : { outcomes: how.outcomes }),
    });
    const now = nowSeconds(deps.clock);
    const { status = 'completed', lives = 7 * 24 * 3600 } = how;
    const { manifestDigest } = sealed;
    const counts = { resources: 1, typesDone: 1, typesTotal: 1 };
    const ended = { status, manifestDigest, endedAt: now, expiresAt: now + lives, ...counts };
    await endExport(deps.exports, item, ended, { arn: 'arn:execution' });
    test.dynamo.calls();
    return sealed;
  };
  /** Does what the job does if nothing could be read. */
  const endWithout = async (item: Export): Promise<void> => {
    const now = nowSeconds(deps.clock);
    const counts = { resources: 0, typesDone: 0, typesTotal: 1 };
    const ended = {
      status: 'failed',
      manifestDigest: undefined,
      endedAt: now,
      expiresAt: now + 3600,
      ...counts,
    } as const;
    await endExport(deps.exports, item, ended, { arn: 'arn:execution' });
  };
  return { ...test, deps, objects, opened, woken, stored, requireStored, start, begin, end, endWithout };
};

export type ExportGateway = ReturnType<typeof exportGateway>;

interface AskOptions {
  readonly method?: string;
  readonly payer?: string;
  readonly file?: string;
  readonly headers?: Record<string, string>;
}

/** The event of a request to an export's URL. */
export const exportEvent = (
  exportId: string,
  token: string | undefined,
  { method = 'GET', payer = 'northwind', file, headers = {} }: AskOptions = {},
): ApiEvent =>
  apiEvent(`/exports/{payer}/{export}${file === undefined ? '' : '/{file}'}`, {
    method,
    path: { payer, export: exportId, ...(file === undefined ? {} : { file }) },
    headers: { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...headers },
  });

/** Asks an export's URL, as a partner does. */
export const ask = (
  deps: ExportDeps,
  exportId: string,
  token: string | undefined,
  { stream, ...options }: AskOptions & { readonly stream?: StreamOptions } = {},
): Promise<StreamedAnswer> => callStreaming(exportHandler(deps), exportEvent(exportId, token, options), stream);
