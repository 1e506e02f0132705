import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closersOf } from '../../sandbox/closers.ts';
import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { writeStage } from '../support/stage-files.ts';
import { auditObjects, tableItems } from '../support/stored-text.ts';
import { plantGarden, type Garden } from './garden.ts';
import { canaryPartner } from './partner.ts';
import { servePayer } from './payer-server.ts';
import { canaryPayer, type Payer } from './payer.ts';
import { seeAnswer, type GatewayAnswer, type GatewayRequest, type Setting } from './setting.ts';

/** The product on free ports, in a garden. */
export interface LocalSetting extends Setting {
  readonly stack: LocalStack;
  /** Files the tables and the audit; called before the garden is looked through. */
  readonly gather: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const urlOf = (origin: string, { route, path = {}, query = [] }: GatewayRequest): URL => {
  const encoded = (value: string): string => value.split('/').map(encodeURIComponent).join('/');
  const url = new URL(origin + route.replaceAll(/\{(\w+)\+?\}/g, (_all, name: string) => encoded(path[name] ?? '')));
  for (const [name, value] of query) url.searchParams.append(name, value);
  return url;
};

const sendOver = async (origin: string, request: GatewayRequest): Promise<GatewayAnswer> => {
  const { method = 'GET', form, headers = {} } = request;
  const isForm = form !== undefined && typeof form !== 'string';
  const response = await fetch(urlOf(origin, request), {
    method,
    redirect: 'manual',
    headers: { ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }), ...headers },
    ...(form === undefined ? {} : { body: isForm ? new URLSearchParams(form).toString() : form }),
  });
  return {
    status: response.status,
    headers: Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie')),
    cookies: response.headers.getSetCookie(),
    // A payer that breaks off makes the gateway break off.
    body: await response.text().catch(() => ''),
  };
};

/** Files every place that the stack has. */
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
  const payer: Payer = canaryPayer(garden);
  const partner = canaryPartner(garden);
  const folder = await mkdtemp(join(tmpdir(), 'gateway-leaks-'));
  try {
    const server = opened(
      await servePayer(payer, ({ url, headers, body }) => {
        const [, , signature] = (new URLSearchParams(body).get('client_assertion') ?? '').split('.');
        if (signature !== undefined) garden.note('our assertion', signature);
        garden.see('request to the payer', url.href, JSON.stringify([...headers]), body);
      }),
    );
    const clientSecret = garden.canary('payer secret');
    const files = { payerPort: server.port, clientSecret, partner: partner.change };
    const { privateJwk, ...stage } = await writeStage(folder, files);
    garden.note('payer secret', String(privateJwk['d']));
    const stack = opened(
      await startLocalStack({
        ports: 'free',
        ...stage,
        // Each line that a function prints: its log, and what Node or the runtime prints of a crash.
        onFunctionLog: (name, line) => garden.see('log line', `${name} ${line}`),
        log: (service, line) => garden.see('request log', `${service} ${JSON.stringify(line)}`),
      }),
    );
    return {
      garden,
      payer,
      stack,
      issuer: server.origin,
      partnerSecret: partner.secret,
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
