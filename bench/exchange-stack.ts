/** The local stack with a former plan in its own process, of whom its new plan asks for members' records. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PublicJwk } from '../functions/shared/registry/types.ts';
import { unpaced } from '../sandbox/aws/proxy-response.ts';
import { assertionOf, bundleOf, parametersOf, tokenForm, type BackendKey } from '../sandbox/demo/new-plan.ts';
import { deleteExport, openFile, readLines, readStatus } from '../sandbox/partner/exports.ts';
import type { ExportFile, Manifest, Send } from '../sandbox/partner/exports.ts';
import { generatedMember } from '../sandbox/payer/exchange/generated.ts';
import type { FormerPlanOptions } from '../sandbox/payer/exchange/options.ts';
import { newPlanKey } from '../sandbox/sign-in/demo-partner-key.ts';
import { startLocalStack } from '../sandbox/stack.ts';
import { sendWith, waitForEnd } from './export-stack.ts';
import type { FormerPlanVariable } from './servers/former-plan.ts';
import { startServer } from './servers/start.ts';
import type { World } from './world.ts';

/** What the former plan has, and how fast it is. */
export type PlanSize = Required<Pick<FormerPlanOptions, 'linesPerFile' | 'pace'>> & {
  readonly generated: Required<
    Pick<NonNullable<FormerPlanOptions['generated']>, 'members' | 'readings' | 'readingBytes'>
  >;
};

/** Lines, by type. */
export type Lines = ReadonlyMap<string, number>;

export interface ExchangeStack {
  /** Gets a token for one export through the gateway. It lives for five minutes. */
  readonly signIn: () => Promise<Send>;
  /** Exports the Group through the gateway, from the kick-off to the status 200. @returns its status URL, too */
  readonly exportGroup: (send: Send) => Promise<{ readonly lines: Lines; readonly status: string }>;
  readonly deleteExport: (status: string, send: Send) => Promise<void>;
  /** Exports the Group from the former plan, and writes every file to disk. Resolves when all are there. */
  readonly downloadGroup: () => Promise<Lines>;
  readonly close: () => Promise<void>;
}

const payer = 'demo-health-plan';
const exportType = 'hl7.fhir.us.davinci-pdex#payertopayer';
const fhirJson = 'application/fhir+json';

const askToken = async (
  url: string,
  clientId: string,
  key: BackendKey,
  scope: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const form = { ...tokenForm(await assertionOf(clientId, url, key), scope), ...more };
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  if (answer.status !== 200) throw new Error(`no token, but ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { readonly access_token: string }).access_token;
};

/** @returns the URL of the status. @throws Error if the request is not accepted */
const locationOf = async (answer: Response): Promise<string> => {
  const text = await answer.text();
  const location = answer.headers.get('content-location');
  if (answer.status !== 202 || location === null) throw new Error(`not accepted, but ${answer.status}: ${text}`);
  return location;
};

const post = async (url: string, accessToken: string, parameters: readonly object[]): Promise<string> =>
  locationOf(
    await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': fhirJson, prefer: 'respond-async' },
      body: JSON.stringify(parametersOf(parameters)),
    }),
  );

const sum = (counted: readonly (readonly [type: string, lines: number])[]): Lines => {
  const lines = new Map<string, number>();
  for (const [type, count] of counted) lines.set(type, (lines.get(type) ?? 0) + count);
  return lines;
};

/** The id of the one Group of matched members. @throws Error if there is none */
const matchedGroup = async ({ output }: Manifest, send: Send): Promise<string> => {
  for (const file of output.filter(({ type }) => type === 'Group')) {
    for await (const line of readLines(file, send)) {
      const { id, code } = JSON.parse(line) as { id: string; code: { coding: readonly { code: string }[] } };
      if (code.coding.some((coding) => coding.code === 'match')) return id;
    }
  }
  throw new Error('The match has no Group of matched members');
};

const newline = 0x0a;

/** Writes a file to disk as it comes. @returns its lines @throws Error if one is missing */
const writeFile = async (file: ExportFile, send: Send, path: string): Promise<number> => {
  let lines = 0;
  const count = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, at + 1)) lines += 1;
      yield piece;
    }
  };
  await pipeline(await openFile(file, send), count, createWriteStream(path));
  if (lines !== file.count) throw new Error(`${file.url} has ${lines} lines instead of ${file.count}`);
  return lines;
};

/** A client of the former plan beside the gateway. */
const ownKey = (): BackendKey & { readonly jwk: PublicJwk } => {
  const kid = 'bench-1';
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const jwk = { ...createPublicKey(privateKey).export({ format: 'jwk' }), kid, alg: 'ES384', use: 'sig' } as PublicJwk;
  return { kid, privateKey, jwk };
};

/** Starts both, and has the gateway match every member. */
export const startExchangeStack = async ({ folder }: World, size: PlanSize): Promise<ExchangeStack> => {
  const stack = await startLocalStack({ ports: 'free', pace: unpaced, withSandbox: false });
  const { origin, urls, ports, config } = stack;
  const asked = config.payers.find(({ id }) => id === payer)?.exchange;
  if (asked === undefined) throw new Error(`${payer} is no former plan of stage local`);
  const { clientId } = asked;
  const own = ownKey();
  const variable: FormerPlanVariable = {
    port: ports.demoHealthPlan,
    exchange: { ...size, clientId, clientKeys: [...asked.publicKeys, own.jwk] },
  };
  const server = await startServer('former-plan', { FORMER_PLAN: JSON.stringify(variable) });
  const close = async (): Promise<void> => {
    server.close();
    await stack.close();
  };

  const base = `${origin}/r4/${payer}`;
  const askGateway = (): Promise<string> => {
    const { kid, privateKey } = newPlanKey();
    const key = { kid, privateKey: createPrivateKey(privateKey) };
    return askToken(`${origin}/oauth2/token`, 'new-plan', key, 'system/*.rs', { resource: base });
  };
  const match = async (): Promise<string> => {
    const accessToken = await askGateway();
    const bundles = Array.from({ length: size.generated.members }, (_, index) =>
      bundleOf(generatedMember(index), `member-${index}`),
    );
    const send = sendWith(accessToken);
    const status = await post(`${base}/Group/$bulk-member-match`, accessToken, bundles);
    return matchedGroup(await waitForEnd(status, send), send);
  };

  const waitForPlan = async (status: string, send: Send): Promise<Manifest> => {
    for (;;) {
      const answer = await readStatus(status, send);
      if (answer.done) return answer.manifest;
      await sleep(answer.retryAfterSeconds * 1000);
    }
  };

  try {
    const group = await match();
    return {
      signIn: async () => sendWith(await askGateway()),
      exportGroup: async (send) => {
        const begun = await send(`${base}/Group/${group}/$davinci-data-export`, {
          headers: { accept: fhirJson, prefer: 'respond-async' },
        });
        const status = await locationOf(begun);
        const { output } = await waitForEnd(status, send);
        return { status, lines: sum(output.map(({ type, count }) => [type, count])) };
      },
      deleteExport,
      downloadGroup: async () => {
        const plan = urls.demoHealthPlan;
        const accessToken = await askToken(`${plan}/oauth2/token`, clientId, own, 'system/Group.rs');
        const send = sendWith(accessToken);
        const parameters = [{ name: 'exportType', valueCanonical: exportType }];
        const status = await post(`${plan}/r4/Group/${group}/$davinci-data-export`, accessToken, parameters);
        const { output } = await waitForPlan(status, send);
        const counted: (readonly [string, number])[] = [];
        for (const file of output) {
          counted.push([file.type, await writeFile(file, send, join(folder, 'exchange.ndjson'))]);
        }
        await deleteExport(status, send);
        return sum(counted);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
