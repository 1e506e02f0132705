import { readEventWriter } from '../../../functions/shared/record/audit-read.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import { readAccessToken } from '../../../functions/shared/store/bearers.ts';
import type { Export } from '../../../functions/shared/store/export-item.ts';
import { revoke } from '../../../functions/shared/store/grants.ts';
import { ask, async, exportGateway, type ExportGateway, type StartedGrant } from '../../support/export-gateway.ts';
import { issueOf, read, type TestGrant } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';
import { gateway, withoutPartner, withPartner, type TokenBody } from '../../support/login.ts';

const now = startMs / 1000;
const file = 'Observation-1.ndjson';
const observations = { name: file, type: 'Observation', parts: [['{"resourceType":"Observation"}']] };
const ours = [
  { name: 'Provenance-1.ndjson', type: 'Provenance', parts: [['{}']] },
  { name: 'OperationOutcome-1.ndjson', kind: 'error', type: 'OperationOutcome', parts: [['{}']] },
] as const;

let test: ExportGateway;
let grant: TestGrant;
let item: Export;

const ready = async (scope = 'patient/*.rs', files: Parameters<ExportGateway['end']>[2] = [observations, ...ours]) => {
  test = exportGateway();
  grant = await test.grant({ scope });
  item = await test.start(grant);
  await test.end(grant, item, files);
};
beforeEach(() => ready());

/** The HTTP statuses of a poll, a file and a DELETE, in this order. */
const statuses = async (token: string | undefined, deps = test.deps, payer = 'northwind'): Promise<number[]> => {
  const answers = [];
  for (const options of [{}, { file }, { method: 'DELETE' }]) {
    answers.push((await ask(deps, item.exportId, token, { ...options, payer })).statusCode);
  }
  return answers;
};

describe('status, files and DELETE', () => {
  it('are open only to the grant’s own token', async () => {
    expect(await statuses(grant.token)).toEqual([200, 200, 202]);
  });

  it('are 401 without a token, with a damaged one, with an expired one and for another payer', async () => {
    expect(await statuses(undefined)).toEqual([401, 401, 401]);
    expect(await statuses(`${grant.token}x`)).toEqual([401, 401, 401]);
    expect(await statuses(grant.token, test.deps, 'demo-health-plan')).toEqual([401, 401, 401]);
    test.passSeconds(3601);
    expect(await statuses(grant.token)).toEqual([401, 401, 401]);
    expect(test.stored(grant.grantId)).toBeDefined();
  });

  it('are 401 once the grant has ended', async () => {
    await revoke(test.deps.grants, grant.grantId, 'byPartner', { now, requestId: 'end' });
    expect(await statuses(grant.token)).toEqual([401, 401, 401]);
  });

  it('are 404 with an OperationOutcome for another grant’s token, even of the same partner and member', async () => {
    const other = await test.grant();
    expect(await statuses(other.token)).toEqual([404, 404, 404]);
    expect(issueOf(await ask(test.deps, item.exportId, other.token)).code).toBe('not-found');
    await test.start(other);
    expect(await statuses(other.token)).toEqual([404, 404, 404]);
  });

  it('are 404 for an export that never was, was replaced, or has expired', async () => {
    const never = `${grant.grantId}${'A'.repeat(22)}`;
    for (const id of [never, 'x', grant.grantId, `${item.exportId}x`]) {
      expect((await ask(test.deps, id, grant.token)).statusCode).toBe(404);
    }
    const next = await test.start(grant);
    expect(next.exportId).not.toBe(item.exportId);
    expect(await statuses(grant.token)).toEqual([404, 404, 404]);
    await test.end(grant, next, [], { lives: 10 });
    test.passSeconds(10);
    expect((await ask(test.deps, next.exportId, grant.token)).statusCode).toBe(404);
  });

  it('are refused to a blocked partner and while the payer is paused, but for DELETE', async () => {
    const stop = { at: now, by: 'arn', reason: 'test' };
    test.stops.set('partner#demo-partner', stop);
    expect(await statuses(grant.token)).toEqual([403, 403, 403]);
    test.stops.clear();
    test.stops.set('payer#northwind', stop);
    expect(await statuses(grant.token)).toEqual([503, 503, 202]);
  });

  it('are refused to a partner that was removed', async () => {
    const deps = { ...test.deps, registry: test.reconfigured(withoutPartner('demo-partner')).registry };
    expect(await statuses(grant.token, deps)).toEqual([401, 401, 401]);
  });

  it('are 405 for other methods, with what is allowed', async () => {
    for (const [options, allow] of [
      [{ method: 'POST' }, 'GET, DELETE'],
      [{ method: 'HEAD' }, 'GET, DELETE'],
      [{ method: 'DELETE', file }, 'GET'],
      [{ method: 'PUT', file }, 'GET'],
    ] as const) {
      const { statusCode, headers } = await ask(test.deps, item.exportId, grant.token, options);
      expect([statusCode, headers['Allow']]).toEqual([405, allow]);
    }
  });

  it('answer a browser’s preflight, and a registered origin may read what clients need', async () => {
    const headers = { Origin: 'http://localhost:3002' };
    expect(await ask(test.deps, item.exportId, undefined, { method: 'OPTIONS', headers })).toMatchObject({
      statusCode: 204,
      headers: { 'Access-Control-Allow-Methods': 'GET, DELETE, OPTIONS' },
    });
    const { headers: sent } = await ask(test.deps, item.exportId, grant.token, { headers });
    expect(sent['Access-Control-Allow-Origin']).toBe('http://localhost:3002');
    expect(sent['Access-Control-Expose-Headers']).toMatch(/Content-Location.*X-Progress, Expires/);
  });
});

describe('after DELETE', () => {
  it('status and files are 404, and a second DELETE too', async () => {
    const answer = await ask(test.deps, item.exportId, grant.token, { method: 'DELETE' });
    expect([answer.statusCode, (answer.json() as { resourceType: string }).resourceType]).toEqual([
      202,
      'OperationOutcome',
    ]);
    expect(test.stored(grant.grantId)).toBeUndefined();
    expect(await statuses(grant.token)).toEqual([404, 404, 404]);
    expect(test.log()[1]).toMatchObject({ interaction: 'export delete', outcome: 'ok' });
  });

  it('a running export is gone as well, and another can start', async () => {
    const next = await test.start(grant);
    expect((await ask(test.deps, next.exportId, grant.token, { method: 'DELETE' })).statusCode).toBe(202);
    expect((await test.start(grant)).status).toBe('running');
  });

  it('that the table refuses leaves the export as it is, and the next DELETE deletes it', async () => {
    test.dynamo.failNext('DeleteItem', new Error('down'));
    const answer = await ask(test.deps, item.exportId, grant.token, { method: 'DELETE' });
    expect([answer.statusCode, answer.headers['Retry-After']]).toEqual([503, '5']);
    expect(await statuses(grant.token)).toEqual([200, 200, 202]);
  });

  it('a repeat of the SDK’s does not undo what another kick-off wrote', async () => {
    const next = await test.start(grant);
    expect((await ask(test.deps, item.exportId, grant.token, { method: 'DELETE' })).statusCode).toBe(404);
    expect(test.requireStored(grant.grantId).exportId).toBe(next.exportId);
  });
});

describe('a token that its own refresh narrowed', () => {
  const patient = { name: 'Patient-1.ndjson', type: 'Patient', parts: [['{}']] };

  /** A login over the token endpoint; its grant is then in the memory that the export reads. */
  const connected = async () => {
    const login = gateway();
    const whole = await login.connect();
    const follow = (): void => {
      for (const [id, stored] of login.dynamo.items('Grants')) test.dynamo.items('Grants').set(id, stored);
    };
    const refresh = async (refreshToken: string, form: Record<string, string> = {}): Promise<TokenBody> => {
      const answer = JSON.parse((await login.refresh(refreshToken, form)).body) as TokenBody;
      follow();
      return answer;
    };
    follow();
    const bearer = readAccessToken(whole.access_token);
    if (bearer === undefined) throw new Error('no access token');
    const started: StartedGrant = { ...bearer, token: whole.access_token };
    return { whole, started, refresh };
  };

  it('opens neither status nor files of what it no longer covers, and a wider one of the same grant does again', async () => {
    const { whole, started, refresh } = await connected();
    const exported = await test.start(started);
    await test.end(started, exported, [observations, patient, ...ours]);
    const both = async (token: string): Promise<number[]> => [
      (await ask(test.deps, exported.exportId, token)).statusCode,
      (await ask(test.deps, exported.exportId, token, { file })).statusCode,
      (await ask(test.deps, exported.exportId, token, { file: patient.name })).statusCode,
    ];
    expect(await both(whole.access_token)).toEqual([200, 200, 200]);

    const narrow = await refresh(whole.refresh_token, { scope: 'patient/Patient.rs' });
    expect(narrow.scope).toBe('patient/Patient.rs');
    expect(await both(narrow.access_token)).toEqual([403, 403, 403]);
    const refused = await ask(test.deps, exported.exportId, narrow.access_token, { file });
    expect(refused.headers['WWW-Authenticate']).toContain('insufficient_scope');
    expect(issueOf(refused).diagnostics).toContain('Observation');

    const wide = await refresh(narrow.refresh_token);
    expect(await both(wide.access_token)).toEqual([200, 200, 200]);
  });

  it('reads a manifest that is audited once for each token, and none that cannot be audited', async () => {
    const { whole, started, refresh } = await connected();
    const exported = await test.start(started);
    await test.end(started, exported, [patient]);
    const table = { client: test.dynamo.client, name: 'AuditEvents' };
    const audited = { ...test.deps, ...readEventWriter(table, test.deps.clock) };
    const events = () => [...test.dynamo.items('AuditEvents').values()];
    const { access_token: other } = await refresh(whole.refresh_token);
    const token = whole.access_token;

    const shut = { ...audited, noteOnce: () => Promise.reject(new Error('table')) };
    const refused = await ask(shut, exported.exportId, token);
    expect([refused.statusCode, refused.text.includes('Patient'), test.log().at(-1)?.['auditNotWritten']]).toEqual([
      503,
      false,
      1,
    ]);
    for (const one of [token, token, other, other, token])
      expect((await ask(audited, exported.exportId, one)).statusCode).toBe(200);

    const known = { grantId: { S: started.grantId }, partner: { S: 'demo-partner' }, patient: { S: 'patient-1' } };
    const event = { ...known, type: { S: 'ended' }, interaction: { S: 'export manifest' }, status: { N: '200' } };
    expect(events()).toEqual([expect.objectContaining(event), expect.objectContaining(event)]);
    expect(new Set(events().map(({ requestId }) => requestId?.S)).size).toBe(2);
  });

  it('may still delete the export: that gives nothing away', async () => {
    const { whole, started, refresh } = await connected();
    const exported = await test.start(started);
    await test.end(started, exported, [observations]);
    const narrow = await refresh(whole.refresh_token, { scope: 'patient/Patient.rs' });
    const answer = await ask(test.deps, exported.exportId, narrow.access_token, { method: 'DELETE' });
    expect([answer.statusCode, test.stored(started.grantId)]).toEqual([202, undefined]);
  });

  it('starts an export of what it covers only, and its files open with it', async () => {
    const { whole, started, refresh } = await connected();
    const narrow = await refresh(whole.refresh_token, { scope: 'patient/Patient.rs' });
    const exported = await test.start({ ...started, token: narrow.access_token });
    expect(exported.scope).toEqual(parseScopes('patient/Patient.rs'));
    await test.end(started, exported, [patient]);
    const answer = await ask(test.deps, exported.exportId, narrow.access_token, { file: patient.name });
    expect(answer.statusCode).toBe(200);
  });

  it('starts none of a type that it does not cover', async () => {
    const { whole, started, refresh } = await connected();
    const narrow = await refresh(whole.refresh_token, { scope: 'patient/Patient.rs' });
    const options = { headers: async, query: '_type=Observation' };
    const answer = await read(test.deps, 'Patient/$export', narrow.access_token, options);
    expect([answer.statusCode, test.stored(started.grantId)]).toEqual([403, undefined]);
  });
});

describe('a token whose scope is narrower than at the kick-off', () => {
  const narrowedTo = (...scopes: string[]) => ({
    ...test.deps,
    registry: test.reconfigured(withPartner('demo-partner', { scopes })).registry,
  });

  it('opens neither manifest nor files if it lacks a type of the export', async () => {
    const deps = narrowedTo('patient/Patient.rs');
    const answer = await ask(deps, item.exportId, grant.token);
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['WWW-Authenticate']).toContain('insufficient_scope');
    expect(issueOf(answer).diagnostics).toContain('Observation');
    const download = await ask(deps, item.exportId, grant.token, { file });
    expect([download.statusCode, download.text.includes('resourceType":"Observation')]).toEqual([403, false]);
  });

  it('is told of five types that it lacks, at most', async () => {
    const types = ['Claim', 'Condition', 'Coverage', 'Encounter', 'Goal', 'Observation'];
    await ready(
      'patient/*.rs',
      types.map((type) => ({ name: `${type}-1.ndjson`, type, parts: [['{}']] })),
    );
    const answer = await ask(narrowedTo('patient/Patient.rs'), item.exportId, grant.token);
    expect(issueOf(answer).diagnostics).toContain('Claim, Condition, Coverage, Encounter, Goal.');
    expect(issueOf(answer).diagnostics).not.toContain('Observation');
  });

  it('opens neither if it lacks one letter of a type', async () => {
    expect(
      (await statuses(grant.token, narrowedTo('patient/Observation.s', 'patient/Provenance.rs'))).slice(0, 2),
    ).toEqual([403, 403]);
  });

  it('opens no file of another type either, if the export has a type that it lacks', async () => {
    await ready('patient/*.rs', [observations, { name: 'Patient-1.ndjson', type: 'Patient', parts: [['{}']] }]);
    const deps = narrowedTo('patient/Observation.rs');
    expect((await ask(deps, item.exportId, grant.token, { file })).statusCode).toBe(403);
  });

  it('opens them if what it lost is not in the export', async () => {
    expect(
      (await statuses(grant.token, narrowedTo('patient/Observation.rs', 'patient/Provenance.rs'))).slice(0, 2),
    ).toEqual([200, 200]);
  });

  it('need not cover our own Provenance and OperationOutcomes, which no scope had', async () => {
    await ready('patient/Observation.rs');
    for (const name of [file, 'Provenance-1.ndjson', 'OperationOutcome-1.ndjson']) {
      expect((await ask(test.deps, item.exportId, grant.token, { file: name })).statusCode).toBe(200);
    }
  });

  it('needs a type that was read with one letter only with that letter', async () => {
    await ready('patient/Observation.s');
    expect((await ask(test.deps, item.exportId, grant.token, { file })).statusCode).toBe(200);
  });

  it('opens no attachment that was a Binary without scope for it', async () => {
    const scan = { name: 'attachment-1', kind: 'attachment', type: 'Binary', parts: [['x']] } as const;
    await ready('patient/*.rs', [observations, scan]);
    const both = async (deps: typeof test.deps): Promise<number[]> => [
      (await ask(deps, item.exportId, grant.token)).statusCode,
      (await ask(deps, item.exportId, grant.token, { file: scan.name })).statusCode,
    ];
    expect(await both(test.deps)).toEqual([200, 200]);
    expect(await both(narrowedTo('patient/Observation.rs'))).toEqual([403, 403]);
  });

  it('opens no type that the kick-off’s scope did not have, whatever the manifest says', async () => {
    await ready('patient/Patient.rs');
    expect((await ask(test.deps, item.exportId, grant.token, { file })).statusCode).toBe(403);
  });
});
