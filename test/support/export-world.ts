import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { exportJWK, generateKeyPair } from 'jose';
import { endIfFailed } from '../../functions/export-job/end/end-if-failed.ts';
import { runExport } from '../../functions/export-job/handler.ts';
import type { JobDeps } from '../../functions/export-job/job/deps.ts';
import { ageIdentity } from '../../functions/export/age/header.ts';
import { openAgeFile } from '../../functions/export/age/open-file.ts';
import { endStaleInvocation } from '../../functions/shared/aws/stale-invocation.ts';
import { base64url } from '../../functions/shared/base64url.ts';
import { sealInput, type ExchangeInput } from '../../functions/shared/exchanges/input.ts';
import { makeExportId } from '../../functions/shared/exports/export-id.ts';
import { writeJobCredentials } from '../../functions/shared/exports/job-credentials.ts';
import { longestExportSeconds } from '../../functions/shared/exports/longest-export.ts';
import type { StoredFile, StoredManifest } from '../../functions/shared/exports/manifest.ts';
import { manifestName } from '../../functions/shared/exports/object-names.ts';
import { exportPrivateKey, exportPublicKey } from '../../functions/shared/exports/sealing-key.ts';
import type { PayerHttp, PayerResponse } from '../../functions/shared/payer/http.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import type { Payer, PayerExchange } from '../../functions/shared/registry/types.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import { seal, sha256, unseal } from '../../functions/shared/store/crypto.ts';
import { exchangeOwner } from '../../functions/shared/store/exchange-items.ts';
import { noteRunning, putInput } from '../../functions/shared/store/exchanges.ts';
import { boundOf, type Export } from '../../functions/shared/store/export-item.ts';
import { deleteExport, getExport, giveToken, noteAwake, putExport } from '../../functions/shared/store/exports.ts';
import { putGrant, revoke } from '../../functions/shared/store/grants.ts';
import { outsideCall, simulatedDurable, type DurableOptions } from './durable.ts';
import { localData } from './gateway.ts';
import { livingGrant } from './living-grant.ts';
import { memoryDynamo } from './memory-dynamo.ts';
import { putGroup } from './put-group.ts';
import { smallBuffers } from './small-buffers.ts';

/** A request that reached the payer. */
interface Asked {
  /** The path below the FHIR base. */
  readonly path: string;
  readonly url: string;
  readonly token: string;
  readonly accept?: string | undefined;
  /** The form of a POST. */
  readonly form?: string | undefined;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the answer is no longer read. */
  readonly signal?: AbortSignal | undefined;
  /** Whether it is never sent again on another connection. */
  readonly oneTime?: true;
}

/** The payer's answer. */
export interface Sent {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** In place of a body of text. */
  readonly bytes?: Uint8Array | AsyncIterable<Uint8Array>;
  /** The connection breaks after the body. */
  readonly cut?: boolean;
}

/** Makes a payer's answers. A thrown error stands for a failed connection. */
export type PayerScript = (asked: Asked) => Sent | Promise<Sent>;

export const fhir = (value: unknown, headers: Readonly<Record<string, string>> = {}): Sent => ({
  headers: { 'content-type': 'application/fhir+json', ...headers },
  body: JSON.stringify(value),
});

/** A page of a search. @param next the URL of the next page */
export const pageOf = (resources: readonly object[], next?: string, more: object = {}): Sent =>
  fhir({
    resourceType: 'Bundle',
    type: 'searchset',
    ...more,
    ...(next === undefined ? {} : { link: [{ relation: 'next', url: next }] }),
    entry: resources.map((resource) => ({ resource, search: { mode: 'match' } })),
  });

const patientId = 'member-1';

export const memberPatient = { resourceType: 'Patient', id: patientId, name: [{ family: 'Amber' }] };

export const observation = (id: string | number, more: object = {}) => ({
  resourceType: 'Observation',
  id: `o-${id}`,
  subject: { reference: `Patient/${patientId}` },
  ...more,
});

/** The former plan of an exchange. Its client's key is made once, since that takes a while. */
const planProfile = {
  clientId: 'our-system',
  assertionAlgorithm: 'ES384',
  publicKeys: [],
  scopes: ['system/*.rs'],
  identifiers: [],
  tokenEndpoint: 'https://plan.example/token',
} as const;
const planSecret = (async () => {
  const { privateKey } = await generateKeyPair('ES384', { extractable: true });
  return { private_key_jwk: { ...(await exportJWK(privateKey)), kid: 'system-1' } };
})();

const payerId = 'northwind';
const partnerId = 'demo-partner';

export interface WorldOptions extends DurableOptions {
  readonly payer?: PayerScript;
  /** Changes to the payer's profile. */
  readonly profile?: Partial<Payer>;
  readonly scope?: string;
  /** The payer's CapabilityStatement. @default declares the types of the profile's searches, so none with `$everything`; without both there is none */
  readonly statement?: Sent | 'fromScript';
  readonly types?: readonly string[];
  /** @default {@link patientId} */
  readonly patient?: string;
  readonly since?: string;
  readonly until?: string;
  readonly filters?: readonly string[];
  /** What is asked of a former plan. @default a grant's record is exported */
  readonly exchange?: ExchangeInput;
  /** Changes to how the plan is asked. */
  readonly plan?: Partial<PayerExchange>;
  readonly deps?: Partial<JobDeps>;
  /** Seconds until the payer's first token ends. */
  readonly tokenLives?: number;
  /** Seconds until a token that a poll brings ends. @default 3600 */
  readonly polledLives?: number;
  /** Seconds until the grant ends. @default 90 days */
  readonly grantLives?: number;
  /** How many seconds ago the kick-off was. @default 0 */
  readonly age?: number;
  /** Called before each call of a dependency; may throw. */
  readonly onCall?: (name: string) => void;
  /** Called after each call has had its effect; may throw. */
  readonly afterCall?: (name: string) => void;
}

/** A record as the partner receives it. */
export interface GivenRecord {
  readonly manifest: StoredManifest;
  /** The attachments, by name. */
  readonly attachments: ReadonlyMap<string, { readonly contentType: string | undefined; readonly bytes: Buffer }>;
  /** The parsed lines of all output files, by type. */
  readonly resources: Readonly<Record<string, readonly { readonly id?: string; readonly resourceType: string }[]>>;
  /** The same lines, unparsed. */
  readonly lines: readonly string[];
  /** The lines of the files that list deletions. */
  readonly deleted: readonly string[];
  /** The sentences in the error files. */
  readonly errors: readonly string[];
}

/** A CapabilityStatement that declares these types, each with these search parameters. */
export const statementOf = (types: Readonly<Record<string, readonly string[]>>): Sent =>
  fhir({
    resourceType: 'CapabilityStatement',
    rest: [
      {
        mode: 'server',
        resource: Object.entries(types).map(([type, names]) => ({
          type,
          interaction: [{ code: 'search-type' }],
          searchParam: names.map((name) => ({ name, type: 'reference' })),
        })),
      },
    ],
  });

const usualStatement = ({ wholeRecord, everything }: Payer): Sent =>
  wholeRecord?.searches === undefined && !everything
    ? { status: 404 }
    : // A statement that lists no types says nothing.
      statementOf({
        Organization: [],
        ...Object.fromEntries((wholeRecord?.searches ?? []).map((text) => [text.split('?')[0]!, []])),
      });

const responseOf = ({
  status = 200,
  headers = {},
  body = '',
  bytes: sent = Buffer.from(body),
  cut = false,
}: Sent): PayerResponse => ({
  status,
  headers: { get: (name) => headers[name.toLowerCase()] ?? null },
  body: {
    async *[Symbol.asyncIterator]() {
      if (Symbol.asyncIterator in sent) {
        yield* sent;
        return;
      }
      for (let at = 0; at < sent.length; at += 16_384) yield sent.subarray(at, at + 16_384);
      if (cut) throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    },
    cancel: () => Promise.resolve(),
  },
});

/** An export with its grant, tables, bucket and payer in memory, and its job in simulated time. */
export const exportWorld = (options: WorldOptions = {}) => {
  const {
    profile = {},
    scope = 'patient/*.rs',
    tokenLives = 3600,
    polledLives = 3600,
    grantLives = 90 * 86_400,
    onCall = () => undefined,
    afterCall = () => undefined,
  } = options;
  let script: PayerScript = options.payer ?? (() => pageOf([memberPatient]));
  const data = localData();
  const northwind = data.payers.find(({ id }) => id === payerId)!;
  const { wholeRecord: _, ...usual } = northwind;
  const { exchange } = options;
  const profiled: Payer = {
    ...usual,
    everything: true,
    ...(exchange === undefined ? {} : { exchange: { ...planProfile, ...options.plan } }),
    ...profile,
  };
  const registryData = {
    ...data,
    payers: data.payers.map((one) =>
      one === northwind ? profiled : exchange === undefined ? one : { ...one, exchange: planProfile },
    ),
    partners: data.partners.map((one) =>
      exchange === undefined ? one : Object.assign({}, one, { exchange: { identifiers: [] } }),
    ),
  };
  const payer = profiled;
  const dynamo = memoryDynamo();
  /** Whether calls are currently made by the test, not by the job. */
  let isOutside = false;
  const outside = async <T>(work: () => Promise<T>): Promise<T> => {
    isOutside = true;
    try {
      return await work();
    } finally {
      isOutside = false;
    }
  };
  const send = dynamo.client.send.bind(dynamo.client) as (command: object) => Promise<object>;
  Object.assign(dynamo.client, {
    send: outsideCall(async (command: { constructor: { name: string } }) => {
      if (isOutside) return send(command);
      onCall(command.constructor.name);
      const answer = await send(command);
      afterCall(command.constructor.name);
      return answer;
    }),
  });
  const objects = new Map<string, Uint8Array>();
  const lines: string[] = [];
  const stops = new Map<string, Stop>();
  const asked: Asked[] = [];
  const boxKey = randomBytes(32);
  const grantKey = randomBytes(32);
  const table = (name: string) => ({ client: dynamo.client, name });
  const exchanges = table('Exchanges');
  const tables = { exports: table('Exports'), grants: table('Grants'), audit: table('Audit'), limits: table('Limits') };

  const payerHttp: PayerHttp = outsideCall(async (input, init) => {
    onCall('payer');
    const url = String(input);
    if (url === planProfile.tokenEndpoint) {
      afterCall('payer');
      return responseOf(systemToken());
    }
    if (url === `${payer.fhirBaseUrl}/metadata` && options.statement !== 'fromScript') {
      afterCall('payer');
      return responseOf(options.statement ?? usualStatement(payer));
    }
    const one = {
      url,
      path: url.slice(payer.fhirBaseUrl.length),
      token: init?.headers?.['authorization'] ?? '',
      accept: init?.headers?.['accept'],
      form: init?.body,
      method: init?.method ?? 'GET',
      headers: init?.headers ?? {},
      ...(init?.oneTime === true ? { oneTime: true as const } : {}),
    };
    asked.push(one);
    const sent = await script({ ...one, signal: init?.signal });
    afterCall('payer');
    return responseOf(sent);
  });
  let systemTokensGiven = 0;
  /** Each answer of the plan's token endpoint has another token. */
  const systemToken = (): Sent =>
    fhir({ access_token: `system-${(systemTokensGiven += 1)}`, token_type: 'bearer', expires_in: 300 });
  // The registry asks for the time before the engine exists.
  let now = (): number => options.startMs ?? 0;
  const registry = registryOf(registryData, stops, () => now());
  /** What the partner may have now, if that changed. */
  let scopesNow: readonly string[] | undefined;
  const deps: JobDeps = {
    ...tables,
    clock: { now: () => durable.now(), monotonic: () => durable.now() },
    randomBytes: (size) => randomBytes(size),
    payerHttp,
    registry: {
      ...registry,
      partner: async (...which) => {
        const partner = await registry.partner(...which);
        return partner === undefined || scopesNow === undefined ? partner : { ...partner, scopes: scopesNow };
      },
    },
    origin: 'http://localhost:3000',
    writeLog: (line) => void lines.push(line),
    objects: {
      put: outsideCall(async (name, body) => {
        onCall('put');
        objects.set(name, Uint8Array.from(body));
        afterCall('put');
      }),
      get: outsideCall(async (name) => {
        onCall('get');
        const found = objects.get(name);
        if (found === undefined) throw Object.assign(new Error('no such object'), { name: 'NoSuchKey' });
        return found;
      }),
    },
    sealForJob: outsideCall(async (id, purpose, value, boundTo = '') => {
      if (!isOutside) onCall('sealForJob');
      return seal(boxKey, value, `${JSON.stringify(id)} ${purpose}${boundTo}`, randomBytes(12));
    }),
    openInJob: outsideCall(async (id, purpose, box, boundTo = '') => {
      onCall('openInJob');
      return unseal(boxKey, box, `${JSON.stringify(id)} ${purpose}${boundTo}`);
    }),
    exchange: { table: exchanges, readSecret: () => planSecret },
    waitForTurn: async (_payer, _perSecond, { isWanted }) => ((await isWanted()) ? 'turn' : 'unwanted'),
    startExecution: outsideCall(async (name, input) => {
      onCall('startExecution');
      durable.start('job', input, name);
    }),
    newBuffers: smallBuffers,
    sleep: (ms) => durable.sleep(ms),
    fileSeconds: 7 * 86_400,
    ...options.deps,
  };
  const durable = simulatedDurable(
    { job: runExport(deps) },
    { wrap: (handler) => endIfFailed(deps, endStaleInvocation(handler)), ...options },
  );
  now = durable.now;
  const grantId = base64url(randomBytes(16));
  const exportId = makeExportId(grantId, randomBytes(16));
  const key = { grantId, exportId };
  const exportSecret = randomBytes(32);
  const privateKey = exportPrivateKey(grantKey, exportSecret);
  const identity = ageIdentity(privateKey);
  const nowSeconds = (): number => Math.floor(durable.now() / 1000);
  /** What the kick-off's values are bound to, once there is one. */
  let bound: string | undefined;
  const boxOf = (accessToken: string): Uint8Array => {
    const plain = writeJobCredentials({
      accessToken,
      secretHeaders: {},
      ...(bound === undefined ? {} : { boundTo: bound }),
    });
    return seal(boxKey, plain, `${JSON.stringify(exportId)} payer token`, randomBytes(12));
  };

  /** Writes what the kick-off of an exchange writes: its input, and its item. */
  const kickOffExchange = async (input: ExchangeInput): Promise<void> => {
    const startedAt = nowSeconds();
    const made = {
      ...key,
      payer: payerId,
      partner: partnerId,
      patient: '',
      request: 'http://localhost:3000/r4/northwind/Group/$bulk-member-match',
      requestId: 'kick-off',
      scope: parseScopes('system/*.rs'),
      exchange: input.kind,
      ...(input.kind === 'group' ? { group: input.group } : {}),
      recipient: exportPublicKey(privateKey),
      exportSecret: new Uint8Array(),
      startedAt,
      grantEndsAt: startedAt + 396 * 86_400,
    };
    const { input: sealed, inputKey } = await sealInput(deps, exportId, input, boundOf(made));
    await putInput(exchanges, owner, { exportId, input: sealed, expiresAt: startedAt + 3 * 86_400 });
    await putExport(tables.exports, {
      ...made,
      inputKey,
      fileKey: new Uint8Array(),
      payerVersion: 0,
      expiresAt: startedAt + longestExportSeconds,
    });
    await noteRunning(exchanges, owner, { exportId, expiresAt: startedAt + longestExportSeconds });
    if (input.kind === 'match') return;
    await putGroup(exchanges, {
      owner,
      id: input.group,
      code: 'match',
      members: input.groupMembers,
      key: new Uint8Array(),
      exportId: 'the match',
      createdAt: startedAt,
      expiresAt: startedAt + 396 * 86_400,
      body: new Uint8Array(),
    });
  };

  const kickOff = async (): Promise<void> => {
    if (exchange !== undefined) return outside(() => kickOffExchange(exchange));
    const begins = nowSeconds();
    const startedAt = begins - (options.age ?? 0);
    const grant = livingGrant(begins, {
      grantId,
      payer: payerId,
      partner: partnerId,
      patient: options.patient ?? patientId,
      endsAt: begins + grantLives,
      expiresAt: begins + grantLives,
      scope: parseScopes(scope),
    });
    const unsealed = {
      ...key,
      payer: payerId,
      partner: partnerId,
      patient: options.patient ?? patientId,
      request: 'http://localhost:3000/r4/northwind/Patient/$export',
      requestId: 'kick-off',
      scope: parseScopes(scope),
      ...(options.types === undefined ? {} : { types: options.types }),
      ...(options.since === undefined ? {} : { since: options.since }),
      ...(options.until === undefined ? {} : { until: options.until }),
      ...(options.filters === undefined ? {} : { filters: options.filters }),
      recipient: exportPublicKey(privateKey),
      exportSecret,
      startedAt,
      grantEndsAt: begins + grantLives,
    };
    bound = boundOf(unsealed);
    const made = {
      ...unsealed,
      payerToken: boxOf('token-1'),
      payerTokenExpiresAt: begins + tokenLives,
      payerTokenAt: begins,
      payerVersion: 1,
      expiresAt: startedAt + longestExportSeconds,
    };
    await outside(async () => {
      await putGrant(tables.grants, grant, { now: begins, requestId: 'kick-off' });
      await putExport(tables.exports, made);
    });
  };

  const owner = exchangeOwner({ payer: payerId, partner: partnerId });
  const input = { exportId, ...(exchange === undefined ? {} : { owner }) };
  /** Starts the job, or another execution of it. */
  const start = (name = exportId): string => durable.start('job', input, name);
  const isOver = (): boolean => durable.engine.executions().every(({ status }) => status !== 'RUNNING');
  const wanted = (): string | undefined => dynamo.items('Exports').get(grantId)?.['callbackId']?.S;
  let version = 1;

  /** Does what a partner's poll does: puts a newer token on the item, and completes the call-back. */
  const poll = async (): Promise<void> => {
    const callbackId = wanted();
    version += 1;
    const token = {
      payerToken: boxOf(`token-${version}`),
      payerTokenExpiresAt: nowSeconds() + polledLives,
      payerTokenAt: nowSeconds(),
      payerVersion: version,
    };
    await outside(() => giveToken(tables.exports, key, token));
    if (callbackId === undefined) return;
    durable.engine.succeedCallback(callbackId, undefined);
    await outside(() => noteAwake(tables.exports, key, callbackId));
  };

  /** Opens an object as the export function does, which is tested against age's own library. */
  const open = async (object: string): Promise<Buffer> => {
    const sealed = objects.get(object);
    if (sealed === undefined) throw new Error(`no object ${object}`);
    const pieces: Uint8Array[] = [];
    for await (const piece of openAgeFile(identity, Readable.from([sealed]))) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  const readBytes = async ({ parts }: StoredFile): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for (const { object, digest, bytes } of parts) {
      if (sha256(objects.get(object)!) !== digest) throw new Error('the digest of a part is wrong');
      const plain = await open(object);
      if (plain.length !== bytes) throw new Error('the size of a part is wrong');
      pieces.push(plain);
    }
    return Buffer.concat(pieces);
  };

  const readFile = async (file: StoredFile): Promise<string[]> => {
    const all = (await readBytes(file)).toString('utf8').split('\n').slice(0, -1);
    if (all.length !== file.count) throw new Error('the count of a file is wrong');
    return all;
  };

  return {
    ...key,
    deps,
    durable,
    dynamo,
    objects,
    lines,
    stops,
    asked,
    payer,
    base: payer.fhirBaseUrl,
    kickOff,
    answerWith: (next: PayerScript) => void (script = next),
    exchanges,
    item: (): Promise<Export | undefined> => outside(() => getExport(tables.exports, grantId)),
    /** Narrows what the partner is registered for. */
    narrowTo: (...scopes: readonly string[]) => void (scopesNow = scopes),
    deleteExport: () => deleteExport(tables.exports, key),
    endGrant: () => revoke(tables.grants, grantId, 'byOperator', { now: nowSeconds(), requestId: 'stop' }),
    start,
    /** Runs until the job waits for a token, or its last execution is over. */
    untilItWaits: () => durable.until(() => isOver() || wanted() !== undefined),
    poll,
    /** Kicks off, and runs the job to its end. A poll brings a new token whenever the job waits for one. */
    run: async () => {
      await kickOff();
      start();
      for (;;) {
        await durable.until(() => isOver() || wanted() !== undefined);
        if (isOver()) return durable.finish(durable.engine.executions().at(-1)!.arn);
        await poll();
      }
    },
    /** Opens the record that the partner can download. */
    record: async (): Promise<GivenRecord> => {
      const sealed = objects.get(manifestName(exportId));
      const item = await outside(() => getExport(tables.exports, grantId));
      if (sealed === undefined || item?.manifestDigest !== sha256(sealed)) throw new Error('no manifest');
      const manifest = JSON.parse((await open(manifestName(exportId))).toString('utf8')) as StoredManifest;
      const given: string[] = [];
      const errors: string[] = [];
      const deleted: string[] = [];
      const attachments = new Map<string, { contentType: string | undefined; bytes: Buffer }>();
      for (const file of manifest.files) {
        const { kind, name, contentType } = file;
        if (kind === 'attachment') attachments.set(name, { contentType, bytes: await readBytes(file) });
        else ({ error: errors, deleted, output: given })[kind].push(...(await readFile(file)));
      }
      const parsed = given.map((line) => JSON.parse(line) as { id?: string; resourceType: string });
      return {
        manifest,
        attachments,
        lines: given,
        deleted,
        resources: Object.groupBy(parsed, ({ resourceType }) => resourceType) as GivenRecord['resources'],
        errors: errors.map((line) => (JSON.parse(line) as { issue: { diagnostics: string }[] }).issue[0]!.diagnostics),
      };
    },
  };
};
