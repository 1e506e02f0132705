import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { words } from '../support/words.ts';
import { connect, read } from './client.ts';
import { expectOutcome } from './expectations.ts';
import { expectRefused, payerReads } from './fhir-refused.ts';
import { onStage, promises, type Requirement } from './requirement.ts';
import type { Target } from './target.ts';

/** Like {@link read}, with a path that a URL parser would normalize. */
const readAsIs = async (target: Target, path: string, token: string): Promise<number> => {
  const { hostname, port } = new URL(target.origin);
  const outgoing = httpRequest({
    hostname,
    port,
    path: `/r4/${target.payer}${path}`,
    headers: { authorization: `Bearer ${token}` },
  });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [{ statusCode: number; resume: () => void }];
  response.resume();
  return response.statusCode;
};

/** Paths that would become others at a payer that normalizes them. */
const leaving = words(`
  /../token /Patient/../../token /Patient/%2e%2e/%2e%2e/token /..%2f..%2ftoken /Patient/..%2f..%2ftoken
  /Patient/..%252f..%252ftoken /%2F%2Fevil.example/Patient /Patient/pat-1%3f_id=x /Patient/%00 /Patient\\pat-2
`);

/** Everything that is not a read. */
export const readOnly: readonly Requirement[] = promises({
  'FHIR R4 http §2.21.0: answers 405 with Allow to a write, before it checks the token': onStage(async (target) => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'HEAD']) {
      const response = await read(target, '/Patient/x', 'nothing', { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, OPTIONS');
      const atSearch = await read(target, '/Observation/_search', 'nothing', { method });
      expect(atSearch.headers.get('allow')).toBe('POST, OPTIONS');
    }
  }),
  'OWASP ASVS 4.1.4: answers 405 to a header that would turn a read into a write': onStage(async (target) => {
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
      await expectOutcome(await read(target, '/Patient/x', 'nothing', { headers: { [name]: 'DELETE' } }), 405);
    }
  }),
  'FHIR R4 http §2.21.0: answers 405 to create, update, patch, delete, batch and transaction, and asks the payer nothing':
    async (target) => {
      const { access_token: token } = await connect(target);
      const json = { 'content-type': 'application/fhir+json' };
      const writes = [
        ['POST', '/Observation'],
        ['PUT', '/Observation/1'],
        ['PATCH', '/Observation/1'],
        ['DELETE', '/Observation/1'],
        ['POST', ''],
      ] as const;
      for (const [method, path] of writes) {
        const init = { method, headers: json, ...(method === 'DELETE' ? {} : { body: '{}' }) };
        await expectRefused(target, await read(target, path, token, init), 405);
      }
    },
  'FHIR R4 operations §3.2: answers 405 to unknown operations, by GET and POST': async (target) => {
    const { access_token: token } = await connect(target);
    for (const path of words(`
      /$export /Patient/$match /Patient/pat-1/$purge /Observation/$lastn /Patient/pat-1/$everything/x
    `)) {
      expect((await read(target, path, token)).status).toBeGreaterThanOrEqual(400);
      await expectRefused(
        target,
        await read(target, path, token, { method: 'POST', body: new URLSearchParams({ a: 'b' }) }),
        405,
      );
    }
  },
  "OWASP ASVS 1.2.2: keeps every path within the payer's base": async (target) => {
    const { access_token: token } = await connect(target);
    for (const path of leaving) expect([path, (await readAsIs(target, path, token)) >= 400]).toEqual([path, true]);
    expect(payerReads(target)).toEqual([]);
    expect(target.payers.requests('clear-health', 'token')).toHaveLength(1);
  },
  'FHIR R4 search §3.1.1: refuses _filter and _query, which it could not check': async (target) => {
    const { access_token: token } = await connect(target);
    for (const path of ['/Patient?_filter=name eq "x"', '/Patient?_query=all'])
      await expectRefused(target, await read(target, path, token), 400);
  },
});
