/** The local stack with one payer, whose record is exported as a partner does it: over HTTP. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiEvent, ApiResponse } from '../functions/shared/http/api.ts';
import { unpaced } from '../sandbox/aws/proxy-response.ts';
import { kickOff, readLines, readStatus, type Manifest, type Send } from '../sandbox/partner/exports.ts';
import { startLocalStack, type LocalStack } from '../sandbox/stack.ts';
import { keys } from './keys.ts';
import { recordPath, type PagedRecord } from './payer-data.ts';
import { few, measured, stageOfSize } from './stage.ts';
import { connect } from './walk.ts';
import type { World } from './world.ts';

/** How often the partner polls. */
const pollMs = 250;

export interface ExportStack {
  readonly stack: LocalStack;
  /** Signs a member in, and returns the access token. Each member has one export at a time. */
  readonly signIn: () => Promise<string>;
  /** Exports the record. Resolves when its status is 200. @throws Error if it is not complete */
  readonly exportRecord: (accessToken: string) => Promise<Manifest>;
  readonly close: () => Promise<void>;
}

/** The stage of the other subjects, whose measured payer has this record. */
const writeStage = (
  { folder, payerOrigin }: World,
  record: PagedRecord,
): { configFile: string; secretsFile: string } => {
  const { origin: _, ...stage } = stageOfSize(payerOrigin, few);
  const fhirBaseUrl = payerOrigin + recordPath(record);
  const payers = stage.payers.map((payer) =>
    payer.id === measured.payer ? { ...payer, fhirBaseUrl, everything: true } : payer,
  );
  const files = { configFile: join(folder, 'export-stage.json'), secretsFile: join(folder, 'export-secrets.json') };
  const secrets = payers.map(
    ({ id }) =>
      [
        id,
        {
          client_secret: 'no secret',
          // For the payer that also accepts members' identity tokens.
          ...(id === measured.payer ? { private_key_jwk: keys.gateway.privateJwk } : {}),
        },
      ] as const,
  );
  writeFileSync(files.configFile, JSON.stringify({ ...stage, payers }));
  writeFileSync(files.secretsFile, JSON.stringify(Object.fromEntries(secrets)));
  return files;
};

/** Sends an event of API Gateway to the stack. */
const sender =
  (origin: string) =>
  async ({ httpMethod, path, headers, queryStringParameters: query, body }: ApiEvent): Promise<ApiResponse> => {
    const { Host: _, ...sent } = headers as Record<string, string>;
    const search = query === null ? '' : `?${new URLSearchParams(query as Record<string, string>)}`;
    const answer = await fetch(origin + path + search, { method: httpMethod, headers: sent, body, redirect: 'manual' });
    return {
      statusCode: answer.status,
      headers: { location: answer.headers.get('location') ?? '' },
      multiValueHeaders: { 'set-cookie': answer.headers.getSetCookie() },
      body: await answer.text(),
    };
  };

/** Sends a partner's requests. A call that finds all environments busy is repeated, as partners do. */
export const sendWith =
  (accessToken: string): Send =>
  async (url, { method = 'GET', headers = {} } = {}) => {
    for (;;) {
      const answer = await fetch(url, { method, headers: { ...headers, authorization: `Bearer ${accessToken}` } });
      if (answer.status !== 503) return answer;
      await answer.body?.cancel();
      await sleep(pollMs);
    }
  };

/** The lines of a manifest's outcomes that say more than what there is to know. */
const problemsIn = async ({ error }: Manifest, send: Send): Promise<readonly string[]> => {
  const problems: string[] = [];
  for (const file of error) {
    for await (const line of readLines(file, send)) {
      const { issue } = JSON.parse(line) as { readonly issue: readonly { readonly severity: string }[] };
      if (issue.some(({ severity }) => severity !== 'information')) problems.push(line);
    }
  }
  return problems;
};

/** Polls an export until its status is 200. @throws Error if it is not complete */
export const waitForEnd = async (location: string, send: Send): Promise<Manifest> => {
  for (;;) {
    const status = await readStatus(location, send);
    if (status.done) {
      const [problem] = await problemsIn(status.manifest, send);
      if (problem !== undefined) throw new Error(`The export is not complete: ${problem}`);
      return status.manifest;
    }
    await sleep(pollMs);
  }
};

export const startExportStack = async (world: World, record: PagedRecord): Promise<ExportStack> => {
  const stack = await startLocalStack({ ports: 'free', pace: unpaced, ...writeStage(world, record) });
  const { origin } = stack;
  const send = sender(origin);
  return {
    stack,
    signIn: async () => (await connect({ authorize: send, callback: send, token: send })).access_token,
    exportRecord: async (accessToken) => {
      const sendIt = sendWith(accessToken);
      return waitForEnd(await kickOff(`${origin}/r4/${measured.payer}`, sendIt), sendIt);
    },
    close: stack.close,
  };
};
