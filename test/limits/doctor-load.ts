import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { smart } from '../../config/presets.ts';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { toolEnvironment } from '../bin/run-tool.ts';
import { es384Jwk } from '../support/login.ts';

/** What the doctor did. */
export interface Examination {
  readonly code: number | null;
  readonly out: string;
  readonly seconds: number;
  /** The most memory that it held, and the processor's time; undefined where the system does not say. */
  readonly megabytes: number | undefined;
  readonly cpuSeconds: number | undefined;
  readonly requests: number;
  /** The most requests that were under way at once. */
  readonly atOnce: number;
}

const root = join(import.meta.dirname, '../..');
const { publicJwk } = es384Jwk('gateway-1');

const payerAt = (origin: string, number: number) => {
  const base = `${origin}/payer-${number}`;
  return smart({
    id: `payer-${number}`,
    displayName: `Payer ${number}`,
    fhirBaseUrl: `${base}/r4`,
    issuer: base,
    authorizationEndpoint: `${base}/authorize`,
    tokenEndpoint: `${base}/token`,
    revocationEndpoint: `${base}/revoke`,
    clientId: 'gateway',
    publicKeys: [publicJwk],
  });
};

const documentOf = (base: string) => ({
  issuer: base,
  authorization_endpoint: `${base}/authorize`,
  token_endpoint: `${base}/token`,
  revocation_endpoint: `${base}/revoke`,
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['ES384', 'RS384'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: ['launch/patient', 'patient/*.rs', 'offline_access'],
  authorization_response_iss_parameter_supported: true,
});

/** What a payer answers after this long: all in order, except that every hundredth one's token endpoint fails. */
const answerOf = (origin: string, path: string): [status: number, body: object] => {
  const payer = /payer-\d+/.exec(path)?.[0] ?? '';
  const base = `${origin}/${payer}`;
  if (path.endsWith('/metadata')) return [200, { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' }];
  if (path.includes('.well-known')) return [200, documentOf(base)];
  if (path.endsWith('/token') && payer.endsWith('00')) return [500, {}];
  return [400, { error: 'invalid_request' }];
};

/** Runs `npm run payers -- check` over so many payers, which are one server that takes its time. */
export const examineMany = async (folder: string, count: number, answerMs: number): Promise<Examination> => {
  let [requests, underWay, atOnce] = [0, 0, 0];
  let origin = '';
  const server = createServer((request, response) => {
    requests += 1;
    underWay += 1;
    atOnce = Math.max(atOnce, underWay);
    request.resume();
    setTimeout(() => {
      underWay -= 1;
      const [status, body] = answerOf(origin, request.url ?? '');
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }, answerMs);
  });
  origin = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  const payers = Array.from({ length: count }, (_, number) => payerAt(origin, number));
  const file = join(folder, 'stage.json');
  await writeFile(file, JSON.stringify({ stage: 'try', production: false, payers, partners: [] }));
  const args = ['bin/payers.ts', 'check', '--config', file, '--file', '--no-secrets'];
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: toolEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let megabytes: number | undefined;
  let cpuSeconds: number | undefined;
  const look = async (): Promise<void> => {
    const [status, stat] = await Promise.all(
      ['status', 'stat'].map((name) => readFile(`/proc/${child.pid}/${name}`, 'utf8')),
    );
    const kilobytes = /VmHWM:\s+(\d+)/.exec(status ?? '')?.[1];
    if (kilobytes !== undefined) megabytes = Number(kilobytes) / 1024;
    // Fields 14 and 15 of proc(5), in hundredths of a second; the second, the name, may have spaces.
    const fields = stat?.slice(stat.lastIndexOf(')')).split(' ') ?? [];
    const [user, system] = fields.slice(12, 14).map(Number);
    cpuSeconds = ((user ?? 0) + (system ?? 0)) / 100;
  };
  const watch = setInterval(() => {
    // A process that has ended says nothing of itself.
    void look().catch(() => undefined);
  }, 250);
  try {
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const [out, code] = await Promise.all([text(child.stdout), ended]);
    return { code, out, seconds: (performance.now() - startedAt) / 1000, megabytes, cpuSeconds, requests, atOnce };
  } finally {
    clearInterval(watch);
    await close(server);
  }
};
