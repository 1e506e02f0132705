import { inspect } from 'node:util';
import { nowSeconds } from '../../functions/shared/clock.ts';
import type { ApiEvent } from '../../functions/shared/http/api.ts';
import { payerSecretReader } from '../../functions/shared/payer/secrets.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { auditFunction, streamRecord } from '../functions/audit/records.ts';
import { testDeps } from '../support/gateway.ts';
import { localRegistry, withPartner, withPayer } from '../support/login.ts';
import { functionOf, type FunctionName } from '../support/login/requests.ts';
import { toEvent } from '../support/login/to-event.ts';
import { payerHttpOf, signInAt } from '../support/payer/in-process.ts';
import { depsOver } from '../support/world/deps.ts';
import { invoke as call, handlersOf } from '../support/world/handlers.ts';
import { canarySecrets, noTrouble, secretsManager, shownClient, type Trouble } from './aws.ts';
import { plantGarden } from './garden.ts';
import { canaryPartner } from './partner.ts';
import { canaryPayers } from './payer.ts';
import { seeAnswer, type GatewayAnswer, type Setting } from './setting.ts';

/** The functions in one process, with a garden around their input and output. */
export interface InProcess extends Setting {
  readonly trouble: Trouble;
  readonly audit: ReturnType<typeof auditFunction>;
  /** Calls a function with any event at all. */
  readonly invoke: (name: string, event: unknown) => Promise<void>;
  readonly passSeconds: (seconds: number) => void;
  /** Records the logs, the audit and the tables; called before the garden is searched. */
  readonly gather: () => Promise<void>;
}

/** Starts it. */
export const startInProcess = (seed: string): InProcess => {
  const garden = plantGarden(seed);
  const partner = canaryPartner(garden);
  const secrets = canarySecrets(garden);
  const registryData = withPayer('northwind', { publicKeys: [secrets.publicJwk] })(
    withPartner('demo-partner', partner.change)(localRegistry()),
  );
  const test = testDeps({ registry: registryData });
  const { deps: given } = test;
  const payer = canaryPayers(garden, Object.keys(secrets.stored), given.clock.now);
  payer.register(given.origin, registryData.payers, { 'demo-health-plan': secrets.secret });
  test.payer.http = payerHttpOf(payer);
  const trouble: Trouble = { ...noTrouble };
  const client = shownClient(test.dynamo, garden, trouble);
  const { registry } = test.deps;
  const broken =
    <T extends unknown[], R>(method: (...args: T) => Promise<R>) =>
    async (...args: T): Promise<R> => {
      if (trouble.registry !== undefined) throw trouble.registry;
      return method(...args);
    };
  const { clock, payerHttp, sleep, writeLog, sealForJob } = given;
  const deps = depsOver((name) => ({ client, name }), {
    clock,
    payerHttp,
    sleep,
    writeLog,
    sealForJob,
    registry: { ...registry, payer: broken(registry.payer), partner: broken(registry.partner) },
    randomBytes: (size: number): Uint8Array => {
      if (trouble.randomBytes !== undefined) throw trouble.randomBytes;
      const bytes = given.randomBytes(size);
      // Smaller ones are ids and initialization vectors.
      if (size >= 32) garden.note('drawn bytes', bytes);
      return bytes;
    },
    readPayerSecret: payerSecretReader(secretsManager(secrets.stored, trouble), '', clock),
  });
  const handlers = handlersOf(deps);
  /** Everything about it that a runtime could print. */
  const crash = (error: unknown): void => {
    if (error === undefined) return;
    garden.see('crash output', inspect(error, { depth: 8, maxStringLength: null }));
  };
  const callOnce = async (name: FunctionName, event: ApiEvent): Promise<GatewayAnswer> => {
    const { headers, error, ...seen } = await call(handlers, name, event);
    crash(error);
    const named = Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]);
    return { ...seen, headers: Object.fromEntries(named) as GatewayAnswer['headers'] };
  };
  const audit = auditFunction();
  const invoke = async (name: string, event: unknown): Promise<GatewayAnswer | undefined> => {
    try {
      if (name === 'audit') {
        await audit.invoke(event);
        return undefined;
      }
      return await callOnce(name as FunctionName, event as ApiEvent);
    } catch (error) {
      crash(error);
      return undefined;
    }
  };

  const before = new Map<string, Item>();
  /** Delivers the changes in the tables since the last call. */
  const stream = async (): Promise<void> => {
    for (const table of ['Grants', 'AuditEvents']) {
      for (const [key, item] of test.dynamo.items(table)) {
        if (before.get(key) === item) continue;
        await audit.handle(streamRecord(before.get(key), item)).catch(crash);
        before.set(key, item);
      }
    }
  };

  return {
    garden,
    payer,
    partnerSecret: partner.secret,
    issuer: 'http://127.0.0.1:3003',
    signIn: signInAt(payer),
    assertion: () => partner.assertion(nowSeconds(deps.clock), deps.origin),
    trouble,
    audit,
    passSeconds: test.passSeconds,
    invoke: async (name, event) => void (await invoke(name, event)),
    send: async (request) => {
      const answer = (await invoke(functionOf(request), toEvent(request))) ?? {
        status: 0,
        headers: {},
        cookies: [],
        body: '',
      };
      seeAnswer(garden, request, answer);
      await stream();
      return answer;
    },
    gather: async () => {
      await stream();
      garden.see('log line', ...test.lines, ...audit.log().map((line) => JSON.stringify(line)));
      for (const [name, body] of audit.objects) {
        garden.see('audit object name', name);
        garden.see('audit event', body);
      }
    },
  };
};
