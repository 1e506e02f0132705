import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closersOf } from '../../sandbox/closers.ts';
import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { openPayer, sendTo } from '../support/login/over-http.ts';
import type { GatewayRequest } from '../support/login/requests.ts';
import { servePayers } from '../support/payer/server.ts';
import { writeStage } from '../support/stage-files.ts';
import { auditObjects, tableItems } from '../support/stored-text.ts';
import { plantGarden, type Garden } from './garden.ts';
import { canaryPartner } from './partner.ts';
import { canaryPayers } from './payer.ts';
import { seeAnswer, type GatewayAnswer, type Setting } from './setting.ts';

/** The product on free ports, in a garden. */
export interface LocalSetting extends Setting {
  readonly stack: LocalStack;
  /** Records the tables and the audit; called before the garden is searched. */
  readonly gather: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const sendOver = async (origin: string, request: GatewayRequest): Promise<GatewayAnswer> => {
  const response = await sendTo(origin, request);
  return {
    status: response.status,
    headers: Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie')),
    cookies: response.headers.getSetCookie(),
    // A payer that cuts its answer makes the gateway cut its own.
    body: await response.text().catch(() => ''),
  };
};

/** Records every place of the stack. */
const gatherFrom = async (stack: LocalStack, garden: Garden): Promise<void> => {
  for (const [key, body] of await auditObjects(stack)) {
    garden.see('audit object name', key);
    garden.see('audit event', body);
  }
  for (const [table, items] of await tableItems(stack)) {
    garden.see(table === 'auditEvents' ? 'audit item' : 'write to a table', ...items);
  }
  garden.see('AWS resource name', ...stack.calls().map((call) => JSON.stringify(call)));
};

/** Starts it. */
export const startLocalSetting = async (seed: string): Promise<LocalSetting> => {
  const { opened, closeAll } = closersOf();
  const garden = plantGarden(seed);
  const payer = canaryPayers(garden, ['northwind', 'demo-health-plan'], Date.now);
  const partner = canaryPartner(garden);
  const folder = await mkdtemp(join(tmpdir(), 'gateway-leaks-'));
  try {
    const server = opened(await servePayers(payer));
    const clientSecret = garden.canary('payer secret');
    const files = { payerPort: server.port, clientSecret, partner: partner.change };
    const { privateJwks, payers, ...stage } = await writeStage(folder, files);
    for (const { d } of privateJwks) garden.note('payer secret', String(d));
    const stack = opened(
      await startLocalStack({
        ports: 'free',
        ...stage,
        // Each line that a function prints: its log, and what Node or the runtime prints about a crash.
        onFunctionLog: (name, line) => garden.see('log line', `${name} ${line}`),
        log: (service, line) => garden.see('request log', `${service} ${JSON.stringify(line)}`),
      }),
    );
    payer.register(stack.origin, payers, { 'demo-health-plan': clientSecret });
    return {
      garden,
      // No test can wait for the time limit, so no answer becomes a reset.
      payer: {
        ...payer,
        behave: (question, outcome) => payer.behave(question, outcome === 'no answer' ? 'reset' : outcome),
      },
      stack,
      issuer: server.origin,
      partnerSecret: partner.secret,
      signIn: openPayer,
      assertion: () => partner.assertion(Math.floor(Date.now() / 1000), stack.origin),
      send: async (request) => {
        const answer = await sendOver(stack.origin, request);
        seeAnswer(garden, request, answer);
        return answer;
      },
      gather: () => gatherFrom(stack, garden),
      close: async () => {
        await closeAll();
        await rm(folder, { recursive: true });
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
};
