import { payerUrl } from '../../../../functions/shared/fhir/to-payer-url.ts';
import { parse } from './requests.ts';

const gatewayBase = 'https://gateway.example/r4/payer';
const base = 'https://payer.example/r4';
const url = (line: string, from = base) => payerUrl({ fhirBaseUrl: from }, parse(line), { gatewayBase });

const goals = 'https://goals.example/fhir';
const furtherBases = [{ fhirBaseUrl: goals, types: ['Goal'] }];

describe('payerUrl', () => {
  it.each([
    ['GET /Patient/1', `${base}/Patient/1`],
    ['GET /Patient/1/', `${base}/Patient/1`],
    ['GET /Patient/1/$everything', `${base}/Patient/1/$everything`],
    ['GET /Patient/1/*?_count=1', `${base}/Patient/1/*?_count=1`],
    ['GET /?_id=a', `${base}?_id=a`],
    ['GET /Observation?code=b&date=ge1&code=a&date=lt2', `${base}/Observation?code=b&date=ge1&code=a&date=lt2`],
    ['GET /Observation?code=http://loinc.org|1-2,x', `${base}/Observation?code=http://loinc.org%7C1-2,x`],
    ['GET /Observation?_has:Provenance:target:agent=1', `${base}/Observation?_has:Provenance:target:agent=1`],
    ['GET /Patient?name=%26a%3D%2B%23%3F+%25%C3%AB', `${base}/Patient?name=%26a%3D%2B%23%3F%20%25%C3%AB`],
    ['GET /Patient?name', `${base}/Patient?name=`],
  ])('%s goes to %s', (line, expected) => {
    expect(url(line)).toEqual({ method: 'GET', url: expected });
  });

  it('accepts a trailing slash of the base', () => {
    expect(url('GET /Patient/1', `${base}/`)).toEqual({ method: 'GET', url: `${base}/Patient/1` });
  });

  it.each([
    [`${gatewayBase}/Patient/1`, `${base}/Patient/1`],
    [gatewayBase, base],
    [`a,${gatewayBase}/Patient/1,${gatewayBase}?x`, `a,${base}/Patient/1,${base}?x`],
    [`${gatewayBase}2/Patient/1`, `${gatewayBase}2/Patient/1`],
    [`x${gatewayBase}/Patient/1`, `x${gatewayBase}/Patient/1`],
  ])('replaces the base in the value %s with the payer’s', (value, expected) => {
    const query = new URLSearchParams({ subject: value }).toString();
    const sent = new URL(url(`GET /Observation?${query}`).url).searchParams.get('subject');
    expect(sent).toBe(expected);
    const { body } = url(`POST /Observation/_search ${query}`);
    expect(new URLSearchParams(body).get('subject')).toBe(expected);
  });

  it.each([
    ['GET /Goal/1', '/Goal/1'],
    ['GET /Goal/1/_history/2', '/Goal/1/_history/2'],
    ['GET /Goal?_count=1', '/Goal?_count=1'],
    ['GET /?_type=Goal', '/Goal'],
    ['GET /Patient/1/Goal', '/Patient/1/Goal'],
    [`GET /Goal?subject=${gatewayBase}/Patient/1`, `/Goal?subject=${goals}/Patient/1`],
    [`GET /Goal?x=${gatewayBase}/Condition/1`, `/Goal?x=${base}/Condition/1`],
    ['GET /Patient/1', undefined],
    ['GET /Patient/1/Condition', undefined],
  ])('where Goals have a base of their own, %s is sent there, or to the first', (line, below) => {
    const { url: sent } = payerUrl({ fhirBaseUrl: base, furtherBases }, parse(line.replace('x=', 'subject=')), {
      gatewayBase,
    });

    expect(sent).toBe(below === undefined ? base + line.slice('GET '.length) : goals + below.replace('x=', 'subject='));
  });

  it('sends a form beside a query, in order', () => {
    expect(url('POST /Observation/_search?_count=2 code=b&code=a%20c')).toEqual({
      method: 'POST',
      url: `${base}/Observation/_search?_count=2`,
      body: 'code=b&code=a%20c',
    });
    expect(url('POST /Observation/_search')).toEqual({ method: 'POST', url: `${base}/Observation/_search`, body: '' });
  });

  // https://hl7.org/fhir/R4/http.html#search
  it.each([
    ['GET /Observation?code=a&_count=2', 'POST', '/Observation/_search', 'code=a&_count=2'],
    ['GET /Patient/1/Observation?code=a', 'POST', '/Patient/1/Observation/_search', 'code=a'],
    ['GET /?_id=a', 'POST', '/_search', '_id=a'],
    ['POST /Observation/_search?_count=2 code=b', 'POST', '/Observation/_search', '_count=2&code=b'],
    ['GET /Patient/1', 'GET', '/Patient/1', undefined],
    ['GET /Patient/1/$everything?_count=1', 'GET', '/Patient/1/$everything?_count=1', undefined],
    ['GET /Patient/1/_history', 'GET', '/Patient/1/_history', undefined],
  ])('%s is a %s to %s where searches are posted', (line, method, path, body) => {
    const sent = payerUrl({ fhirBaseUrl: base }, parse(line), { gatewayBase, searchMethod: 'POST' });

    expect(sent).toEqual({ method, url: base + path, ...(body === undefined ? {} : { body }) });
  });
});
