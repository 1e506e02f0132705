import type { Tokens } from '../support/login/steps.ts';
import { answerText } from '../support/payer/answers.ts';
import { words } from '../support/words.ts';
import { connect, read } from './client.ts';
import { expectRefused, payerReads } from './fhir-refused.ts';
import { localRequirement, promises, type Requirement } from './requirement.ts';
import { patientId } from './scripted-payer.ts';
import { baseOf, type WorldTarget } from './target.ts';

const narrow = (target: WorldTarget): Promise<Tokens> => connect(target, {}, { app: target.apps.narrow });

/** Requests with a parameter that a payer may ignore, and its name. */
const unknown: readonly (readonly [string, string])[] = [
  ['/Observation?_type=Condition', '_type'],
  ['?_getpages=x', '_getpages'],
  ['/Patient?_page=2', '_page'],
  ['/Patient?nonsense=secret', 'nonsense'],
  ['/Patient?PATIENT=secret', 'PATIENT'],
  ['/Patient?name:nonsense=secret', 'name:nonsense'],
  ['/Observation?subject.name=secret', 'subject.name'],
  ['/Patient?_has:Observation:patient:nonsense=secret', '_has:Observation:patient:nonsense'],
  [`/Patient/${patientId}?name=secret`, 'name'],
  [`/Patient/${patientId}/$everything?patient=secret`, 'patient'],
];

const known: readonly string[] = words(`
  /Patient?race=x&gender-identity=y
  /ExplanationOfBenefit?service-date=ge2020&type=pharmacy&_include=ExplanationOfBenefit:insurer
  /Observation?code:in=x&_lastUpdated=ge2020&_sort=-date&_count=10&_total=none /Observation?subject:Patient._id=pat-1
  ?_type=Observation&code=x /Patient/${patientId}/$everything?_since=2020&_type=Observation,Condition&_count=10
  /Patient/${patientId}/_history?_since=2020&_count=1
`);

/** Which parameters pass. */
export const parameters: readonly Requirement[] = [
  ...unknown.map(([path, name]) =>
    localRequirement(
      'FHIR R4 search §3.1.1.7',
      `answers 400 naming the parameter, and asks the payer nothing, for ${path.replaceAll('secret', 'x')}`,
      async (target) => {
        const { access_token: token } = await connect(target);
        const response = await read(target, path, token);
        const text = await response.clone().text();
        expect(text).toContain(JSON.stringify(`"${name}"`).slice(1, -1));
        expect(text).not.toContain('secret');
        await expectRefused(target, response, 400);
      },
    ),
  ),
  ...promises({
    'US Core 6.1.0; CARIN BB 2.0.0; PDex 2.0.0: forwards the parameters of R4 and of the guides that payers follow':
      async (target) => {
        const { access_token: token } = await connect(target);
        for (const path of known) expect([path, (await read(target, path, token)).status]).toEqual([path, 200]);
        expect(payerReads(target)).toHaveLength(known.length);
      },
    'RFC 6750 §3.1: treats _type as a search of the types that it names': async (target) => {
      const { access_token: token } = await narrow(target);
      await expectRefused(target, await read(target, '?_type=Condition', token), 403);
      await expectRefused(target, await read(target, '?_type=Patient,Condition', token), 403);
      expect((await read(target, '?_type=Patient&name=x', token)).status).toBe(200);
      expect(payerReads(target)).toEqual(['/Patient?name=x']);
    },
  }),
];

const nextOf = async (target: WorldTarget, token: string, url: string, path: string): Promise<string> => {
  const bundle = JSON.stringify({ resourceType: 'Bundle', link: [{ relation: 'next', url }] });
  target.payers.script('clear-health', { r4: answerText(200, bundle, { 'content-type': 'application/fhir+json' }) });
  const { link } = (await (await read(target, path, token)).json()) as { link: readonly [{ readonly url: string }] };
  target.payers.reset();
  expect(link[0].url).toMatch(/\?_link=[\w-]+$/);
  expect(link[0].url.startsWith(`${baseOf(target)}?`)).toBe(true);
  return new URL(link[0].url).search;
};

const payerBase = (target: WorldTarget): string => `${target.payers.origin}/clear-health/r4`;

/** How pages are followed. */
export const pages: readonly Requirement[] = promises({
  "FHIR R4 http §2.21.1.3: gives each of the payer's next pages as a sealed link, and follows that exactly": async (
    target,
  ) => {
    const { access_token: token } = await connect(target);
    for (const [link, asked] of [
      [`${payerBase(target)}?_getpages=a-b&_getpagesoffset=10`, '/?_getpages=a-b&_getpagesoffset=10'],
      ['?code=http%3A%2F%2Fx%7C1&page=2', '/Observation?code=http%3A%2F%2Fx%7C1&page=2'],
      [`${payerBase(target)}/pages/3`, '/pages/3'],
    ] as const) {
      const query = await nextOf(target, token, link, '/Observation');
      expect((await read(target, query, token)).status).toBe(200);
      expect(payerReads(target)).toEqual([asked]);
      target.payers.reset();
    }
  },
  'RFC 6750 §3.1: follows a page only if the scope covers what the first request could return': async (target) => {
    const { access_token: token } = await narrow(target);
    const query = await nextOf(target, token, `${payerBase(target)}?_getpages=a`, '/Patient?_id=pat-1');
    expect((await read(target, query, token)).status).toBe(200);
    const other = await nextOf(target, token, `${payerBase(target)}/Condition?page=2`, '/Patient?_id=pat-1');
    await expectRefused(target, await read(target, other, token), 403);
  },
  'OWASP ASVS 11.2.1: refuses a page link of another grant, a changed one, and one with additions': async (target) => {
    const { access_token: token } = await connect(target);
    const { access_token: other } = await connect(target);
    const query = await nextOf(target, token, `${payerBase(target)}?_getpages=a`, '/Observation');
    const middle = Math.floor(query.length / 2);
    const changed = query.slice(0, middle) + (query[middle] === 'A' ? 'B' : 'A') + query.slice(middle + 1);
    await expectRefused(target, await read(target, query, other), 400);
    await expectRefused(target, await read(target, changed, token), 400);
    await expectRefused(target, await read(target, `${query}&_type=Condition`, token), 400);
    await expectRefused(target, await read(target, query), 401);
  },
  'OWASP API1:2023: follows no page link that names another patient, even if the payer gave it': async (target) => {
    const { access_token: token } = await connect(target);
    for (const link of ['/Patient/pat-2/Observation?page=2', '/Observation?subject=Patient/pat-2&page=2']) {
      const query = await nextOf(target, token, payerBase(target) + link, '/Observation');
      await expectRefused(target, await read(target, query, token), 403);
    }
  },
});
