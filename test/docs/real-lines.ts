import type { Context } from 'aws-lambda';
import { canaryHandler } from '../../functions/canary/handler.ts';
import { isTurn } from '../../functions/canary/watch-drift.ts';
import { discoveryHandler } from '../../functions/discovery/handler.ts';
import { payerBreakers } from '../../functions/fetch/breaker/breakers.ts';
import { refuseWaiting } from '../../functions/fetch/breaker/refuse.ts';
import type { FetchDeps } from '../../functions/fetch/deps.ts';
import { followUpHandler } from '../../functions/follow-up/handler.ts';
import { GatewayError, unavailable } from '../../functions/shared/errors.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import { closedBreaker } from '../../functions/shared/store/breaker-item.ts';
import { readEventItem } from '../../functions/shared/store/read-events.ts';
import { auditFunction, streamRecord } from '../functions/audit/records.ts';
import { deliveries, eventOf } from '../functions/deliver/receivers.ts';
import { exportItem, followUp, now as nowInFollowUp } from '../functions/follow-up/follow-up.ts';
import { exportWorld, memberPatient, pageOf } from '../support/export-world.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { apiEvent, call, startMs, testDeps } from '../support/gateway.ts';
import { basic, bodyOf, gateway, localRegistry, redirectUri, throttled } from '../support/login.ts';

/** A log line, as its fields. */
export type Line = Readonly<Record<string, unknown>>;

const parsed = (lines: readonly string[]): Line[] => lines.map((line) => JSON.parse(line) as Line);

/** Sign-ins and token calls that fail in the ways that the runbook describes. */
const logins = async (): Promise<Line[]> => {
  const test = gateway();
  const end = async (http: () => Promise<Response>, payer = 'northwind'): Promise<void> => {
    const { state, cookie } = await test.start({}, { payer });
    test.payer.http = http;
    await test.callback({ ...test.fromPayer(state), code: 'payer-code' }, { cookie, payer });
  };
  await test.authorize({ redirect_uri: `${redirectUri}/` });
  await end(async () => Response.json({ error: 'invalid_client' }, { status: 401 }));
  await end(async () => Response.json({ error: 'invalid_grant' }, { status: 400 }));
  await end(() => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' })));
  for (const next of [async () => new Response('', { status: 500 }), () => Promise.reject(new Error())]) {
    const answers = [async () => Response.json({ access_token: 'a', token_type: 'Bearer', expires_in: 9 }), next];
    await end(() => (answers.shift() ?? next)(), 'demo-health-plan');
  }
  const other = gateway();
  const pair = await other.connect();
  await other.refresh(pair.refresh_token, {}, basic('demo-partner', 'wrong'));
  await other.refresh(pair.refresh_token, {}, {});
  const next = bodyOf(await other.refresh(pair.refresh_token));
  await other.revoke({ token: 'x' });
  await other.introspect({ token: next.access_token });
  other.passSeconds(3600);
  await other.refresh(pair.refresh_token);
  const code = await other.login();
  await other.redeem(code);
  await other.redeem(code);
  return parsed([...test.lines, ...other.lines]);
};

type Ask = (http: () => Promise<Response>, change?: Partial<FetchDeps>) => Promise<void>;

/** A read that opens a breaker, one that it refuses, and one that was waiting when it opened. */
const breakers = async (ask: Ask, { dynamo, deps, passSeconds }: ReturnType<typeof fetchGateway>): Promise<void> => {
  const limits = { client: dynamo.client, name: 'Limits' };
  const environment = () => ({ breakers: payerBreakers({ limits, clock: deps.clock }) });
  dynamo.items('Limits').set('breaker#northwind', {
    limitId: { S: 'breaker#northwind' },
    lateSinceMs: { N: String(deps.clock.now()) },
    lateGrants: { SS: ['1', '2', '3', '4', '5'] },
    latePartners: { SS: ['1', '2'] },
  });
  passSeconds(8);
  await ask(() => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' })), environment());
  await ask(async () => fhir({}), environment());
  await ask(() => Promise.reject(refuseWaiting(closedBreaker, 0)));
};

/** Reads that fail in the ways that the runbook describes. */
const reads = async (): Promise<Line[]> => {
  const test = fetchGateway();
  const options = { headers: { 'CloudFront-Viewer-Address': '192.0.2.1:443' } };
  const ask = async (http: () => Promise<Response>, change: Partial<FetchDeps> = {}, tokens = {}) => {
    test.payer.http = http;
    const grant = await test.grant({ tokens: { accessToken: 'a', refreshToken: 'r', expiresAt: 9e9, ...tokens } });
    await read({ ...test.deps, behindEdge: true, ...change }, 'Observation', grant.token, options);
  };
  const well = async (): Promise<Response> => fhir({ resourceType: 'Bundle' });
  await ask(well);
  await ask(async () => new Response('', { status: 500 }));
  await ask(async () => new Response('', { status: 403 }));
  await ask(async () => fhir('{"resourceType":'));
  const late = new DOMException('no more bytes', 'TimeoutError');
  await ask(async () => fhir(new ReadableStream({ pull: () => Promise.reject(late) })));
  await ask(async () => fhir(`{"a":"${'x'.repeat(99)}"}`), { mostBytes: 9 });
  await ask(well, { openGate: () => Promise.reject(throttled()) });
  await ask(async () => Response.json({ error: 'invalid_grant' }, { status: 400 }), {}, { expiresAt: 1 });
  const down = { taken: true, remaining: 1, resetSeconds: 1, failure: 'ThrottlingException' };
  await ask(well, { takeTurn: () => Promise.resolve(down) });
  const message = 'This health plan is not available at the moment.';
  test.secrets['northwind'] = new GatewayError('temporarily_unavailable', message, {
    status: 503,
    detail: 'the secret of payer northwind is missing or not in its form',
    signal: 'secretMissing',
  });
  await ask(well, {}, { expiresAt: 1 });
  await breakers(ask, test);
  return parsed(test.lines);
};

const audits = async (): Promise<Line[]> => {
  const audit = auditFunction();
  const event = { type: 'opened', atMs: startMs, requestId: 'r', grantId: 'g', partner: 'p', payer: 'p' } as const;
  const item = readEventItem({ ...event, patient: 'x', interaction: 'read Patient' });
  const record = streamRecord(undefined, item);
  await audit.handle(record, streamRecord(undefined, item, startMs / 1000 + 1000));
  audit.failNext(403, 'AccessDenied');
  await audit.handle(record).catch(() => undefined);
  return audit.log();
};

const canaries = async (): Promise<Line[]> => {
  const test = testDeps({ registry: localRegistry() });
  const context = { awsRequestId: 'c', getRemainingTimeInMillis: () => 60_000 } as Context;
  const limits = { client: test.dynamo.client, name: 'Limits' };
  const ends = { protocol: 'TLSv1.3', verdict: undefined, validUntilMs: startMs };
  const deps = { ...test.deps, limits, http: () => Promise.reject(new Error()), connect: async () => ({ tls: ends }) };
  const day = Array.from({ length: 288 }, (_, at) => startMs + at * 300_000);
  const time = day.find((at) => isTurn({ id: 'northwind' }, at))!;
  await canaryHandler(deps)({ time: new Date(time).toISOString() }, context);
  return parsed(test.lines);
};

/** A registry that cannot be read, and one with an entry that was changed by hand. */
const registries = async (): Promise<Line[]> => {
  const ask = async (answer: () => Promise<object>): Promise<string[]> => {
    const test = testDeps();
    const table = { client: { send: answer } as never, name: 'Registry' };
    const { clock, writeLog } = test.deps;
    const { stage, lifetimes } = test.deps.registry;
    const registry = tableRegistry({ table, clock, writeLog, stage, lifetimes });
    const event = apiEvent('/r4/{payer}/metadata', { path: { payer: 'northwind' } });
    await call(discoveryHandler({ ...test.deps, registry }), event);
    return test.lines;
  };
  const damaged = { Item: { entryId: { S: 'payer#northwind' }, entry: { S: '{}' }, digest: { S: 'other' } } };
  return parsed([...(await ask(() => Promise.reject(new Error()))), ...(await ask(() => Promise.resolve(damaged)))]);
};

/** The lines of an export that ends with nothing, of one whose steps fail, a change that cannot be followed up, and an abandoned delivery. */
const exportsAndEvents = async (): Promise<Line[]> => {
  const world = exportWorld();
  world.answerWith(() => pageOf([memberPatient]));
  await world.kickOff();
  await world.endGrant();
  await world.durable.finish(world.start());
  const broken = exportWorld({
    onCall: (name) => {
      if (name === 'put') throw unavailable('out of reach');
    },
  });
  await broken.run();
  const test = testDeps();
  const { clock, registry, writeLog } = test.deps;
  const nothing = { client: { send: () => Promise.reject(new Error()) } as never, name: '' };
  const gone = { partner: { S: 'demo-app' }, payer: { S: 'northwind' }, endsAt: { N: '2' }, redeemedAt: { N: '1' } };
  const functions = { exportJob: '', sweep: '', deliver: '' };
  await followUpHandler({
    clock,
    registry,
    writeLog,
    stage: 'local',
    lambda: {} as never,
    exports: nothing,
    functions,
  })({
    Records: [{ dynamodb: {} }, { dynamodb: { Keys: { grantId: { S: 'g' } }, OldImage: gone } }],
  });
  const overdue = followUp();
  await overdue.handle(streamRecord(exportItem({ expiresAt: nowInFollowUp }), undefined));
  const refusing = deliveries({ 'https://a.example.org/': () => 500 });
  await refusing.run(eventOf());
  return [...parsed([...world.lines, ...broken.lines, ...test.lines, ...refusing.lines]), ...(overdue.log() as Line[])];
};

/** What API Gateway logs for a function's request, and for a request that it answers itself. */
const accessLines = (fields: readonly string[], lines: readonly Line[]): Line[] => {
  const of = (known: Line): Line => ({ ...Object.fromEntries(fields.map((name) => [name, '-'])), ...known });
  return [
    ...lines.map(({ requestId, route }) => of({ integrationRequestId: requestId, route })),
    of({ errorType: 'THROTTLED', route: '/oauth2/token' }),
  ];
};

/** At least one line of each kind that the runbook's queries look for, as the functions write them. */
export const realLines = async (accessLogFields: readonly string[]): Promise<Line[]> => {
  const all = (await Promise.all([logins(), reads(), audits(), canaries(), registries(), exportsAndEvents()])).flat();
  return [...all, ...accessLines(accessLogFields, all)];
};
