import { answer, answerText } from '../support/payer/answers.ts';
import { connect, read } from './client.ts';
import { expectOutcome } from './expectations.ts';
import { printedBase } from './local-config.ts';
import { promises, type Requirement } from './requirement.ts';
import { patientId } from './scripted-payer.ts';
import { baseOf } from './target.ts';

const fhirJson = { 'content-type': 'application/fhir+json' };
const json = (text: string) => ({ r4: answerText(200, text, fhirJson) });

/** What the payer is sent. */
export const towardsPayer: readonly Requirement[] = promises({
  "OWASP ASVS 10.3.1: sends the payer the payer's token, never the partner's, and no cookie": async (target) => {
    const { access_token: token } = await connect(target);
    const headers = {
      cookie: 'a=b',
      'x-forwarded-host': 'evil.example',
      'x-partner': 'secret',
      host: 'evil.example',
    };
    await read(target, '/Patient', token, { headers });
    const [sent] = target.payers.requests('clear-health', 'r4');
    expect(sent?.headers.authorization).toMatch(/^Bearer payer-access-canary/);
    for (const name of ['cookie', 'x-partner', 'x-forwarded-host', 'x-forwarded-for'])
      expect(sent?.headers).not.toHaveProperty(name);
    expect(sent?.headers.host).toBe(new URL(target.payers.origin).host);
  },
  'FHIR R4 search §3.1.1: keeps repeated parameters, their order and their spelling': async (target) => {
    const { access_token: token } = await connect(target);
    await read(
      target,
      '/Observation?code=http://loinc.org%7C1234-5&date=ge2020&date=le2021%2B&value-string=%E2%82%AC%26',
      token,
    );
    const [sent] = target.payers.requests('clear-health', 'r4');
    expect([...(sent?.url.searchParams ?? [])]).toEqual([
      ['code', 'http://loinc.org|1234-5'],
      ['date', 'ge2020'],
      ['date', 'le2021+'],
      ['value-string', '€&'],
    ]);
  },
  'FHIR R4 http §2.21.0.10: forwards a search form as a form, out of URLs and logs': async (target) => {
    const { access_token: token } = await connect(target);
    const body = new URLSearchParams({ code: 'canary-of-a-diagnosis' });
    expect((await read(target, '/Condition/_search', token, { method: 'POST', body })).status).toBe(200);
    const [sent] = target.payers.requests('clear-health', 'r4');
    expect([sent?.method, sent?.path, sent?.url.search]).toEqual(['POST', '/Condition/_search', '']);
    expect(sent?.form.get('code')).toBe('canary-of-a-diagnosis');
    expect(target.logLines.join()).not.toContain('canary-of-a-diagnosis');
  },
  'FHIR R4 http §2.21.0.6: requests FHIR JSON, and answers 406 if another format is required': async (target) => {
    const { access_token: token } = await connect(target);
    for (const path of ['/Patient?_format=xml', '/Patient?_format=application/fhir%2Bxml', '/Patient?_format=html'])
      await expectOutcome(await read(target, path, token), 406);
    await expectOutcome(await read(target, '/Patient', token, { headers: { accept: 'application/fhir+xml' } }), 406);
    expect(target.payers.requests('clear-health', 'r4')).toEqual([]);
    await read(target, '/Patient?_format=json', token);
    expect(target.payers.requests('clear-health', 'r4')[0]?.headers.accept).toBe('application/fhir+json');
  },
  'FHIR R4 async: does not forward a preference for an asynchronous answer': async (target) => {
    const { access_token: token } = await connect(target);
    await read(target, '/Patient', token, { headers: { prefer: 'respond-async' } });
    expect(target.payers.requests('clear-health', 'r4')[0]?.headers).not.toHaveProperty('prefer');
  },
  'FHIR R4 http §2.21.0.5: forwards conditions, and returns 304': async (target) => {
    const { access_token: token } = await connect(target);
    target.payers.script('clear-health', {
      r4: { status: 304, headers: { etag: 'W/"1"' } },
    });
    const response = await read(target, `/Patient/${patientId}`, token, { headers: { 'if-none-match': 'W/"1"' } });
    expect(target.payers.requests('clear-health', 'r4')[0]?.headers['if-none-match']).toBe('W/"1"');
    expect(response.status).toBe(304);
    expect(response.headers.get('etag')).toBe('W/"1"');
  },
});

/** What the partner gets. */
export const towardsPartner: readonly Requirement[] = promises({
  "FHIR R4 datatypes §2.24.0.1: forwards the payer's bytes: decimals, order, white space, escapes": async (target) => {
    const { access_token: token } = await connect(target);
    const text =
      '{ "resourceType":"Observation",\n\t"id" : "o-1", "valueQuantity":{"value":1.00,"unit":"\\u00b5g"}, "x":1e2, "note":[{"text":"a\\/b"}] }\n';
    target.payers.script('clear-health', json(text));
    expect(await (await read(target, '/Observation/o-1', token)).text()).toBe(text);
  },
  "FHIR R4 http §2.21.1.2: rewrites links to the payer's base, in any spelling, to its own": async (target) => {
    const { access_token: token } = await connect(target);
    const base = `${target.payers.origin}/clear-health/r4`;
    const bundle = (from: readonly [string, string, string]) =>
      `{"resourceType":"Bundle","link":[{"relation":"self","url":"${from[0]}?code=1"}],"entry":[{"fullUrl":"${from[1]}/Patient/pat-1","resource":{"resourceType":"Observation","subject":{"reference":"${from[2]}/Patient/pat-1"}}}]}`;
    target.payers.script('clear-health', json(bundle([base, printedBase, base.replaceAll('/', '\\/')])));
    const ours = baseOf(target);
    expect(await (await read(target, '/Observation', token)).text()).toBe(bundle([ours, ours, ours]));
  },
  'OWASP ASVS 15.3.2: passes on a link to another host unchanged, counts it, and never follows it': async (target) => {
    const { access_token: token } = await connect(target);
    const foreign = `${target.payers.origin}/elsewhere/r4/Patient/1`;
    const text = JSON.stringify({
      resourceType: 'Bundle',
      link: [{ relation: 'next', url: foreign }],
      entry: [{ fullUrl: 'https://evil.example/Patient/1' }],
    });
    target.payers.script('clear-health', json(text));
    expect(await (await read(target, '/Patient', token)).text()).toBe(text);
    expect(target.payers.requests('elsewhere', 'r4')).toEqual([]);
    expect(target.logLines.filter((line) => /"foreignLinks":2\b/.test(line))).not.toEqual([]);
  },
  'FHIR R4 references §2.3.0.1: leaves identifiers, canonicals, narrative and look-alikes of the base unchanged':
    async (target) => {
      const { access_token: token } = await connect(target);
      const base = `${target.payers.origin}/clear-health/r4`;
      const text = JSON.stringify({
        resourceType: 'Patient',
        identifier: [{ system: `${base}/ids` }],
        meta: { profile: [`${base}/StructureDefinition/x`] },
        text: { div: `<a href="${base}/Patient/1">x</a>` },
        managingOrganization: { reference: `${base}x/Organization/1` },
      });
      target.payers.script('clear-health', json(text));
      expect(await (await read(target, `/Patient/${patientId}`, token)).text()).toBe(text);
    },
  'OWASP ASVS 14.2.2: marks the record as not to be stored, and forwards no cookie and no unknown header of the payer':
    async (target) => {
      const { access_token: token } = await connect(target);
      const headers = {
        ...fhirJson,
        'set-cookie': 'a=b',
        'x-internal': 'secret',
        server: 'payer/1.0',
        'cache-control': 'public',
        etag: 'W/"2"',
      };
      target.payers.script('clear-health', { r4: answerText(200, '{"resourceType":"Patient"}', headers) });
      const response = await read(target, `/Patient/${patientId}`, token);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
      expect(response.headers.get('etag')).toBe('W/"2"');
      for (const name of ['set-cookie', 'x-internal', 'server']) expect(response.headers.get(name)).toBeNull();
    },
  'FHIR R4 binary §2.19: serves a Binary as a download that cannot run as one of our pages': async (target) => {
    const { access_token: token } = await connect(target);
    target.payers.script('clear-health', {
      r4: answerText(200, '<script>alert(1)</script>', { 'content-type': 'text/html' }),
    });
    const response = await read(target, '/Binary/b-1', token, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(200);
    expect(target.payers.requests('clear-health', 'r4')[0]?.headers.accept).toBe('text/html');
    expect(response.headers.get('content-disposition')).toBe('attachment');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
  },
  "FHIR R4 http §2.21.0.4: keeps the meaning of a payer's 4xx, with its OperationOutcome or ours": async (target) => {
    const { access_token: token } = await connect(target);
    const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'deleted' }] };
    target.payers.script('clear-health', { r4: answer(410, outcome, fhirJson) });
    const gone = await read(target, '/Observation/1', token);
    expect(gone.status).toBe(410);
    expect(await gone.json()).toEqual(outcome);
    target.payers.script('clear-health', { r4: answerText(404, '<html>Not here', { 'content-type': 'text/html' }) });
    await expectOutcome(await read(target, '/Observation/1', token), 404);
  },
});
