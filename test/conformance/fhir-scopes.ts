import type { Tokens } from '../support/login/steps.ts';
import { words } from '../support/words.ts';
import { connect, read } from './client.ts';
import { challengeHeaderOf } from './expectations.ts';
import { expectRefused } from './fhir-refused.ts';
import { printedBase } from './local-config.ts';
import { localRequirement, promises, type Requirement } from './requirement.ts';
import { patientId } from './scripted-payer.ts';
import { baseOf, type WorldTarget } from './target.ts';

const narrow = (target: WorldTarget): Promise<Tokens> => connect(target, {}, { app: target.apps.narrow });

/** What a partner with few scopes is refused. */
const beyondScope: readonly (readonly [string, string])[] = [
  ['a type that no scope names', '/Condition'],
  ['a search if the scope allows only reads', '/Observation?code=x'],
  ['what _include would return', '/Patient?_include=Patient:organization'],
  ['what _revinclude would return', '/Patient?_revinclude=Condition:patient'],
  ['what _include=* would return', '/Patient?_include=*'],
  ['what a reverse chain would reveal', '/Patient?_has:Condition:patient:code=x'],
  ['everything', `/Patient/${patientId}/$everything`],
  ['a search of all types', '?_lastUpdated=gt2020'],
  ['a compartment', `/Patient/${patientId}/Condition`],
];

/** What part of the record a token opens. */
export const scopes: readonly Requirement[] = [
  ...beyondScope.map(([what, path]) =>
    localRequirement(
      'RFC 6750 §3.1',
      `answers 403 insufficient_scope, and asks the payer nothing, for ${what}`,
      async (target) => {
        const { access_token: token } = await narrow(target);
        const response = await read(target, path, token);
        expect(challengeHeaderOf(target, response)).toMatch(/^Bearer error="insufficient_scope"/);
        await expectRefused(target, response, 403);
      },
    ),
  ),
  localRequirement('SMART App Launch 2.2', 'allows what the scope allows: a search, or a read only', async (target) => {
    const { access_token: token } = await narrow(target);
    expect((await read(target, '/Patient?_id=pat-1', token)).status).toBe(200);
    expect((await read(target, '/Observation/o-1', token)).status).toBe(200);
  }),
];

/** Ways to name another patient. */
const others: readonly (readonly [string, string])[] = [
  ['by id', '/Patient/pat-2'],
  ['by id with everything', '/Patient/pat-2/$everything'],
  ['in a compartment', '/Patient/pat-2/Observation'],
  ['in history', '/Patient/pat-2/_history'],
  ['by _id', '/Patient?_id=pat-2'],
  ['in a list of ids', '/Patient?_id=pat-1,pat-2'],
  ['by patient', '/Observation?patient=pat-2'],
  ['by subject, relative', '/Observation?subject=Patient/pat-2'],
  ['by subject, as a URL of the payer', `/Observation?subject=${encodeURIComponent(`${printedBase}/Patient/pat-2`)}`],
  ['by a modifier', '/Observation?subject:Patient=pat-2'],
  ['by a chain', '/Observation?subject.identifier=12345'],
  ['by a reverse chain', '/Observation?_has:Provenance:target:patient=pat-2'],
  ['in a second value', '/Observation?patient=pat-1&patient=pat-2'],
  ['encoded twice', '/Observation?subject=Patient%252Fpat-2'],
];

/** Whose record a token opens. */
export const patients: readonly Requirement[] = [
  ...others.map(([how, path]) =>
    localRequirement(
      'OWASP API1:2023',
      `answers 403, and asks the payer nothing, if another patient is named ${how}`,
      async (target) => {
        const { access_token: token } = await connect(target);
        await expectRefused(target, await read(target, path, token), 403);
      },
    ),
  ),
  ...promises({
    'OWASP API1:2023: answers 403 if a search form names another patient': async (target) => {
      const { access_token: token } = await connect(target);
      const body = new URLSearchParams({ patient: 'pat-2' });
      await expectRefused(target, await read(target, '/Observation/_search', token, { method: 'POST', body }), 403);
    },
    'OWASP API1:2023: allows every way to name the member': async (target) => {
      const { access_token: token } = await connect(target);
      const own = `${baseOf(target)}/Patient/${patientId}`;
      for (const path of words(`
      /Observation?patient=pat-1 /Observation?subject=Patient/pat-1 /Observation?subject=${encodeURIComponent(own)}
      /Patient?_id=pat-1
    `)) {
        expect((await read(target, path, token)).status).toBe(200);
      }
    },
  }),
];
