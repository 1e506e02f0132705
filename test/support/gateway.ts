import { registryData } from '../../config/checks/load.ts';
import localStage from '../../config/local.ts';
import type { ApiResponse } from '../../functions/shared/http/api.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { PayerSecret } from '../../functions/shared/payer/secrets.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { jobBoxes } from './job-boxes.ts';
import { memoryDynamo, type MemoryDynamo } from './memory-dynamo.ts';
import { depsOver } from './world/deps.ts';

export { apiEvent, call, lambdaContext } from './api-call.ts';

/** Noon, 1 June 2026: where the tests' clock starts. Milliseconds. */
export const startMs = Date.UTC(2026, 5, 1, 12);

let local: RegistryData | undefined;

/** The local stage, checked once per test file. */
export const localData = (): RegistryData => (local ??= registryData(localStage));

/** Everything that the functions need, under a test's control. */
export const testDeps = ({ registry = localData() }: { registry?: RegistryData } = {}) => {
  const dynamo: MemoryDynamo = memoryDynamo();
  const time = { ms: startMs };
  const lines: string[] = [];
  const boxes = jobBoxes();
  const stops = new Map<string, Stop>();
  const secrets: Record<string, PayerSecret | Error> = {
    'demo-health-plan': { client_secret: 'demo-health-plan-secret' },
  };
  const payer: { http: PayerHttp; requests: { url: string; init: RequestInit | undefined }[] } = {
    http: () => Promise.reject(new Error('no payer in this test')),
    requests: [],
  };
  const clock = { now: () => time.ms, monotonic: () => time.ms };
  const deps = depsOver((name) => ({ client: dynamo.client, name }), {
    clock,
    payerHttp: (input, init) => {
      payer.requests.push({ url: String(input), init });
      return payer.http(input, init);
    },
    registry: registryOf(registry, stops, clock.now),
    writeLog: (line: string) => void lines.push(line),
    sealForJob: boxes.sealForJob,
    readPayerSecret: (id: string): Promise<PayerSecret> => {
      const secret = secrets[id];
      return secret === undefined || secret instanceof Error
        ? Promise.reject(secret ?? new Error(`no secret for ${id}`))
        : Promise.resolve(secret);
    },
    sleep: (ms: number): Promise<void> => {
      time.ms += ms;
      return new Promise((resolve) => setImmediate(resolve));
    },
  });
  return {
    deps,
    dynamo,
    payer,
    secrets,
    /** Opens a value that was sealed for the job. */
    openInJob: boxes.openInJob,
    lines,
    /** The last line of the log. */
    lastLine: () => JSON.parse(lines.at(-1) ?? '{}') as Readonly<Record<string, unknown>>,
    /** What an operator has stopped, by the entry's id. */
    stops,
    /** Advances the time. */
    passSeconds: (seconds: number) => void (time.ms += seconds * 1000),
  };
};

/** The cookies that an answer sets, as a `Cookie` header. */
export const cookiesOf = (response: ApiResponse): string =>
  (response.multiValueHeaders?.['Set-Cookie'] ?? []).map((cookie) => cookie.split(';')[0]).join('; ');
