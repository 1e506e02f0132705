import { connect, postAs, read } from './client.ts';
import { expectOutcome } from './expectations.ts';
import {
  call,
  exported,
  kickOff,
  locationOfExport,
  pollToEnd,
  remove,
  type Exported,
  type Manifest,
} from './exports-client.ts';
import { infernoChecks } from './exports-inferno.ts';
import { inProcesses, promises, type Group, type Requirement } from './requirement.ts';
import { baseOf, type WorldTarget } from './target.ts';

const guide = 'Bulk Data 2.0.0 export';

const started = async (target: WorldTarget, change = {}) => {
  const { access_token: token, refresh_token: refreshToken } = await connect(target, change);
  return { token, refreshToken, url: locationOfExport(await kickOff(target, token)) };
};

/** The URL of the shared export's first file. */
const fileOf = ({ manifest }: Exported): string => manifest.output[0]?.url ?? '';

const own: readonly Requirement[] = [
  ...promises({
    [`${guide}: answers 400 that names the header to a kick-off without Prefer: respond-async`]: async (target) => {
      const { access_token: token } = await connect(target);
      const response = await kickOff(target, token, { headers: {} });
      expect(await response.clone().text()).toContain('Prefer: respond-async');
      await expectOutcome(response, 400);
    },
    [`${guide}: answers 400 that names an unknown parameter, and leaves it out for a lenient caller`]: async (
      target,
    ) => {
      const { access_token: token } = await connect(target);
      const query = '?organizeOutputBy=Patient';
      const strict = await kickOff(target, token, { query });
      expect(await strict.clone().text()).toContain('organizeOutputBy');
      await expectOutcome(strict, 400);
      const lenient = await kickOff(target, token, { query, headers: { prefer: 'respond-async, handling=lenient' } });
      expect([lenient.status, (await lenient.text()).includes('organizeOutputBy')]).toEqual([202, true]);
    },
    [`${guide}: takes a kick-off by POST with a Parameters body`]: inProcesses(async (target) => {
      const { access_token: token } = await connect(target);
      const parameter = [
        { name: '_type', valueString: 'Patient' },
        { name: 'patient', valueReference: { reference: 'Patient/pat-1' } },
      ];
      const response = await read(target, '/Patient/$export', token, {
        method: 'POST',
        headers: { prefer: 'respond-async', 'content-type': 'application/fhir+json' },
        body: JSON.stringify({ resourceType: 'Parameters', parameter }),
      });
      expect(response.status).toBe(202);
      const { request } = (await (await pollToEnd(locationOfExport(response), token)).json()) as Manifest;
      expect(request).toBe(`${baseOf(target)}/Patient/$export`);
    }),
  }),
  ...promises({
    'FHIR R4 async: starts the same export for $everything with Prefer: respond-async': async (target) => {
      const { access_token: token } = await connect(target);
      const response = await kickOff(target, token, { path: '/Patient/pat-1/$everything' });
      expect(response.status).toBe(202);
      expect(locationOfExport(response)).toMatch(/\/exports\//);
    },
    'SMART App Launch 2.2: refuses a kick-off for another patient, or for types that the scope lacks': async (
      target,
    ) => {
      const { access_token: token } = await connect(target, { scope: 'patient/Observation.rs' });
      await expectOutcome(await kickOff(target, token, { path: '/Patient/pat-2/$everything' }), 403);
      await expectOutcome(await kickOff(target, token, { query: '?_type=Patient' }), 403);
    },
  }),
  ...promises({
    [`${guide}: answers a kick-off while one runs with 429 and the URL of that one`]: async (target) => {
      const { token, url } = await started(target);
      const response = await kickOff(target, token);
      // The first may have ended by now.
      if (response.status !== 202) {
        expect([response.status, response.headers.get('content-location')]).toEqual([429, url]);
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      }
    },
    [`${guide}: says until when the files are there, and lets no cache keep an answer`]: inProcesses(async (target) => {
      const { headers } = (await exported(target)).response;
      expect(Date.parse(headers.get('expires') ?? '')).toBeGreaterThan(Date.now());
      expect(headers.get('cache-control')).toBe('no-store');
    }),
    [`${guide}: compresses a file for a client that takes gzip`]: inProcesses(async (target) => {
      const one = await exported(target);
      const [token, file] = [one.token, fileOf(one)];
      const plain = await call(file, token, { headers: { 'accept-encoding': 'identity' } });
      const packed = await call(file, token, { headers: { 'accept-encoding': 'gzip' } });
      expect([plain.headers.get('content-encoding'), packed.headers.get('content-encoding')]).toEqual([null, 'gzip']);
      expect(await packed.text()).toBe(await plain.text());
    }),
  }),
  ...promises({
    'RFC 6750 §3.1: answers 404 to another grant’s token, and 401 to a revoked grant’s': inProcesses(async (target) => {
      const found = await exported(target);
      const other = await connect(target);
      for (const one of [found.url, fileOf(found)]) await expectOutcome(await call(one, other.access_token), 404);
      const { refreshToken, token, url: ended } = await started(target);
      await postAs(target, target.portal, 'revoke', { token: refreshToken });
      await expectOutcome(await call(ended, token), 401);
    }),
    'RFC 6750 §3.1: opens an export for any live token of its grant': async (target) => {
      const { refreshToken, url } = await started(target);
      const refreshed = await postAs(target, target.portal, 'token', {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
      });
      const { access_token: next } = (await refreshed.json()) as { access_token: string };
      expect([200, 202]).toContain((await call(url, next)).status);
    },
  }),
  ...promises({
    [`${guide}: answers status, files and DELETE with 404 once the export is deleted`]: async (target) => {
      const { token, url } = await started(target);
      expect((await remove(url, token)).status).toBe(202);
      for (const response of [
        await call(url, token),
        await call(`${url}/Patient-1.ndjson`, token),
        await remove(url, token),
      ]) {
        await expectOutcome(response, 404);
      }
    },
    'RFC 9110 §15.5.6: answers 405 with Allow to other methods': async (target) => {
      const { token, url } = await started(target);
      const response = await call(url, token, { method: 'PUT' });
      expect(response.headers.get('allow')).toBe('GET, DELETE');
      await expectOutcome(response, 405);
    },
  }),
];

/** Exports of whole records: kick-off, status, files and DELETE. */
export const exportsGroup: Group = { endpoint: 'whole record', requirements: [...infernoChecks, ...own] };
