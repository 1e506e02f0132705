import { readJobCredentials } from '../../../../functions/shared/exports/job-credentials.ts';
import { exportPrivateKey, exportPublicKey } from '../../../../functions/shared/exports/sealing-key.ts';
import type { Turn } from '../../../../functions/shared/limits/limiter.ts';
import type { Rate } from '../../../../functions/shared/limits/slots.ts';
import { boundOf } from '../../../../functions/shared/store/export-item.ts';
import { async, exportGateway, type ExportGateway } from '../../../support/export-gateway.ts';
import { issueOf, read, type TestGrant } from '../../../support/fetch-gateway.ts';
import { startMs } from '../../../support/gateway.ts';
import { localRegistry, withPartner, withPayer } from '../../../support/login.ts';

const now = startMs / 1000;
const path = 'Patient/$export';

let test: ExportGateway;
let grant: TestGrant;
beforeEach(async () => {
  test = exportGateway();
  grant = await test.grant();
});

const kickOff = (options: Parameters<typeof read>[3] = {}) =>
  read(test.deps, path, grant.token, { ...options, headers: { ...async, ...options.headers } });

/** Expects that no export was written. */
const expectNothing = (): void => expect(test.dynamo.items('Exports').size).toBe(0);

describe('a kick-off', () => {
  it('is answered with the URL to poll after one write of all that the job needs, and nothing that opens what it writes', async () => {
    const answer = await kickOff({ query: '_type=Patient,Observation&_since=2026-01-31T00:00:00Z' });
    expect(answer.statusCode).toBe(202);
    expect(answer.headers).toMatchObject({
      'Content-Location': `http://localhost:3000/exports/northwind/${test.requireStored(grant.grantId).exportId}`,
      'Cache-Control': 'no-store',
      'Content-Type': 'application/fhir+json; charset=utf-8',
    });
    expect(answer.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'information' }] });
    expect(test.dynamo.calls()).toEqual(['GetItem', 'PutItem']);
    expect(test.payer.requests).toEqual([]);
    const item = test.requireStored(grant.grantId);
    expect(item).toMatchObject({
      grantId: grant.grantId,
      payer: 'northwind',
      partner: 'demo-partner',
      patient: 'patient-1',
      request:
        'http://localhost:3000/r4/northwind/Patient/$export?_type=Patient%2CObservation&_since=2026-01-31T00%3A00%3A00Z',
      types: ['Patient', 'Observation'],
      since: '2026-01-31T00:00:00Z',
      status: 'running',
      payerTokenExpiresAt: now + 300,
      payerTokenAt: now,
      payerVersion: 1,
      startedAt: now,
      grantEndsAt: grant.stored().endsAt,
      expiresAt: now + 3 * 86_400,
    });
    expect(item.exportId).toMatch(new RegExp(`^${grant.grantId}[\\w-]{22}$`));
    const box = item.payerToken ?? new Uint8Array();
    expect(readJobCredentials(await test.openInJob(item.exportId, 'payer token', box))).toEqual({
      accessToken: 'payer-access-1',
      secretHeaders: {},
      boundTo: boundOf(item),
    });
    expect(Buffer.from(box).includes('payer-access-1')).toBe(false);
    expect(item.recipient).toEqual(exportPublicKey(exportPrivateKey(grant.grantKey, item.exportSecret)));
    const text = JSON.stringify([...test.dynamo.items('Exports').values()]);
    for (const secret of [grant.token, grant.grantKey]) {
      expect(text).not.toContain(Buffer.from(secret).toString('base64'));
      expect(text).not.toContain(String(secret));
    }
  });

  it('is the same through Patient/{id}/$everything with Prefer: respond-async', async () => {
    const answer = await read(test.deps, 'Patient/patient-1/$everything', grant.token, { headers: async });
    expect(answer.statusCode).toBe(202);
    expect(test.requireStored(grant.grantId).request).toBe(
      'http://localhost:3000/r4/northwind/Patient/patient-1/$everything',
    );
  });

  it('brings the job a payer token that has just been renewed, if it was about to end', async () => {
    grant = await test.grant({ tokens: { accessToken: 'old', refreshToken: 'payer-refresh-1', expiresAt: now + 30 } });
    test.payer.http = () =>
      Promise.resolve(Response.json({ access_token: 'new', token_type: 'Bearer', expires_in: 600 }));
    expect((await kickOff()).statusCode).toBe(202);
    const item = test.requireStored(grant.grantId);
    expect(item).toMatchObject({ payerVersion: 2, payerTokenExpiresAt: now + 600 });
    const credentials = readJobCredentials(await test.openInJob(item.exportId, 'payer token', item.payerToken!));
    expect(credentials.accessToken).toBe('new');
  });

  it.each([
    ['patient/Goal.rs patient/Patient.rs', '_type=Goal,Observation', 202],
    ['patient/Observation.rs?category=laboratory', '_type=Observation', 202],
    ['patient/Patient.rs', '_type=Goal,Observation', 403],
    ['patient/Patient.rs', '', 202],
  ])('may read no more than the payer grants with that token: %s for %s is %i', async (scope, query, status) => {
    grant = await test.grant({ tokens: { accessToken: 'old', refreshToken: 'payer-refresh-1', expiresAt: now + 30 } });
    test.payer.http = () =>
      Promise.resolve(Response.json({ access_token: 'new', token_type: 'Bearer', expires_in: 600, scope }));

    const answer = await read(test.deps, 'Patient/$export', grant.token, { query, headers: async });

    expect(answer.statusCode).toBe(status);
    const scopes = [...test.dynamo.items('Exports').values()].map((item) => item['scope']?.S);
    expect(scopes).toEqual(status === 202 ? [expect.stringContaining(scope.split(' ')[0]!)] : []);
    expect(scopes.join()).not.toContain('*');
  });

  it('counts as failed at the end of its grant, if that comes before three days', async () => {
    grant = await test.grant({ lives: 3600 });
    await kickOff();
    expect(test.requireStored(grant.grantId)).toMatchObject({ grantEndsAt: now + 3600, expiresAt: now + 3600 });
  });

  it('keeps that the payer did not say when its token ends', async () => {
    grant = await test.grant({ tokens: { accessToken: 'payer-access-1' } });
    await kickOff();
    expect(test.requireStored(grant.grantId)).not.toHaveProperty('payerTokenExpiresAt');
  });

  it('is audited as a read before anything is written, and logged as an export', async () => {
    const events: unknown[] = [];
    const writtenBefore = () => test.dynamo.items('Exports').size;
    Object.assign(test.deps, {
      openGate: async ({ record, patient }: { record: { interaction?: string }; patient: string }) =>
        void events.push([record.interaction, patient, writtenBefore()]),
      onEnd: async ({ record }: { record: { status?: number } }) => void events.push(['end', record.status]),
    });
    await kickOff();
    expect(events).toEqual([
      ['export', 'patient-1', 0],
      ['end', 202],
    ]);
    expect(test.log()[0]).toMatchObject({ function: 'fetch', step: 'export', interaction: 'export', outcome: 'ok' });
  });
});

describe('a second kick-off', () => {
  it('is 429 with the URL of the one that runs', async () => {
    const first = await kickOff();
    const second = await kickOff();
    expect(second.statusCode).toBe(429);
    expect(second.headers).toMatchObject({
      'Content-Location': first.headers['Content-Location'],
      'Retry-After': '30',
    });
    expect(issueOf(second).code).toBe('throttled');
  });

  it('starts one of two at most, however close they are', async () => {
    const answers = await Promise.all([kickOff(), kickOff(), kickOff()]);
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([202, 429, 429]);
    const locations = new Set(answers.map(({ headers }) => headers['Content-Location']));
    expect(locations.size).toBe(1);
  });

  it('replaces one that has ended', async () => {
    const first = await test.start(grant);
    await test.end(grant, first, []);
    expect((await kickOff()).statusCode).toBe(202);
    expect(test.requireStored(grant.grantId).exportId).not.toBe(first.exportId);
  });
});

describe('a refused kick-off leaves nothing', () => {
  afterEach(expectNothing);

  it('without Prefer: respond-async, with a 400 that names the header', async () => {
    const answer = await read(test.deps, path, grant.token, { headers: { Prefer: 'handling=lenient' } });
    expect(answer.statusCode).toBe(400);
    expect(issueOf(answer).diagnostics).toContain('Prefer: respond-async');
  });

  it('without a token, with a challenge', async () => {
    const answer = await read(test.deps, path, undefined, { headers: async });
    expect([answer.statusCode, answer.headers['WWW-Authenticate']]).toEqual([401, 'Bearer']);
  });

  it('with a grant that is bound to no patient', async () => {
    const change = { patientFrom: 'none', patientNoneReason: 'test' } as const;
    test = exportGateway({ registry: withPayer('northwind', change)(localRegistry()) });
    grant = await test.grant({ patient: undefined });
    const answer = await kickOff();
    expect(answer.statusCode).toBe(400);
    expect(issueOf(answer).diagnostics).toContain('not bound to one member');
  });

  it('for another patient, by either door', async () => {
    const answers = [
      await read(test.deps, 'Patient/patient-2/$everything', grant.token, { headers: async }),
      await read(test.deps, 'Patient/patient-2%2F..%2Fpatient-1/$everything', grant.token, { headers: async }),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403]);
  });

  it('with a scope for nothing, or for none of the types', async () => {
    grant = await test.grant({ scope: 'launch/patient offline_access' });
    expect((await kickOff()).statusCode).toBe(403);
    grant = await test.grant({ scope: 'patient/Observation.rs' });
    const answer = await kickOff({ query: '_type=Patient,Condition' });
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['WWW-Authenticate']).toContain('insufficient_scope');
  });

  it('when the payer is paused, the partner blocked, or either removed', async () => {
    const stop = { at: now, by: 'arn', reason: 'test' };
    test.stops.set('payer#northwind', stop);
    expect((await kickOff()).statusCode).toBe(503);
    test.stops.clear();
    test.stops.set('partner#demo-partner', stop);
    expect((await kickOff()).statusCode).toBe(403);
  });

  it('when the audit cannot be written', async () => {
    Object.assign(test.deps, { openGate: () => Promise.reject(new Error('table')) });
    expect((await kickOff()).statusCode).toBe(503);
  });

  it('when the key service or the table does not answer', async () => {
    const { sealForJob } = test.deps;
    Object.assign(test.deps, { sealForJob: () => Promise.reject(new Error('kms')) });
    expect((await kickOff()).statusCode).toBe(500);
    Object.assign(test.deps, { sealForJob });
    test.dynamo.failNext('PutItem', new Error('down'));
    expect((await kickOff()).statusCode).toBe(503);
  });

  it('when the payer has ended the access', async () => {
    grant = await test.grant({ tokens: { accessToken: 'old', expiresAt: now - 1 } });
    expect((await kickOff()).statusCode).toBe(403);
  });
});

describe('types outside the scope', () => {
  it('are left out: the item has the scope, and the manifest will say so', async () => {
    grant = await test.grant({ scope: 'patient/Observation.rs' });
    expect((await kickOff({ query: '_type=Patient&_type=Observation' })).statusCode).toBe(202);
    const item = test.requireStored(grant.grantId);
    expect(item.types).toEqual(['Patient', 'Observation']);
    expect(item.scope.map(({ word }) => word)).toEqual(['patient/Observation.rs']);
  });

  it('are those that the partner has lost since, too', async () => {
    const { token } = grant;
    const deps = {
      ...test.deps,
      ...test.reconfigured(withPartner('demo-partner', { scopes: ['patient/Patient.rs'] })),
      exports: test.deps.exports,
    };
    expect((await read(deps, path, token, { headers: async })).statusCode).toBe(202);
    expect(test.requireStored(grant.grantId).scope.map(({ word }) => word)).toEqual(['patient/Patient.rs']);
  });
});

describe("a kick-off's cost", () => {
  /** A limit of this many turns. */
  const limitedTo = (most: number) => {
    let left = most;
    let taken = 0;
    Object.assign(test.deps, {
      takeTurn: async (_key: string, _rate: Rate): Promise<Turn> => {
        const has = left > 0;
        if (has) [left, taken] = [left - 1, taken + 1];
        return { taken: has, remaining: left, resetSeconds: 1 };
      },
    });
    return () => taken;
  };

  it('is ten turns of the rate', async () => {
    const taken = limitedTo(50);
    expect((await kickOff()).statusCode).toBe(202);
    expect(taken()).toBe(10);
  });

  it('is the whole burst if that is less', async () => {
    test = exportGateway({
      registry: withPartner('demo-partner', { rate: { perSecond: 1, burst: 4 } })(localRegistry()),
    });
    grant = await test.grant();
    const taken = limitedTo(4);
    expect((await kickOff()).statusCode).toBe(202);
    expect(taken()).toBe(4);
  });

  it('is one turn if it is refused for what it asks', async () => {
    const taken = limitedTo(50);
    expect((await kickOff({ query: '_nonsense=1' })).statusCode).toBe(400);
    expect(taken()).toBe(1);
  });

  it('is refused with 429 if the rate has less, and nothing is left', async () => {
    limitedTo(9);
    const answer = await kickOff();
    expect(answer.statusCode).toBe(429);
    expect(answer.headers).toMatchObject({
      RateLimit: expect.any(String) as string,
      'Retry-After': expect.any(String) as string,
    });
    expect(answer.headers).not.toHaveProperty('Content-Location');
    expectNothing();
  });
});
