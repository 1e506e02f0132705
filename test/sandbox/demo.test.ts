import { jest } from '@jest/globals';
import { compareRecords } from '../../sandbox/demo/compare.ts';
import { curlLine, masked } from '../../sandbox/demo/curl.ts';
import { resultLines, stepLines } from '../../sandbox/demo/print.ts';
import { StepError, stepsOf, type StepReport } from '../../sandbox/demo/step.ts';
import { checkTypes, expectationOf } from '../../sandbox/demo/steps.ts';
import { parseFhir } from '../../sandbox/partner/fhir.ts';

const recordOf = (...resources: readonly string[]) => ({
  patient: parseFhir('{"resourceType":"Patient","id":"p"}'),
  resources: resources.map(parseFhir),
  pages: 1,
});

describe('a printed request', () => {
  it('can be pasted into a shell, and shows no secret, plain or encoded', () => {
    const line = curlLine(
      {
        method: 'POST',
        url: 'http://localhost/oauth2/token?state=a%2Bb',
        form: { client_secret: "it's", code: 'c0de' },
        accessToken: 'opaque-1',
      },
      { state: 'a+b', client_secret: 'nothing here', code: 'c0de', access_token: 'opaque-1' },
    );

    expect(line).toContain(`'http://localhost/oauth2/token?state={state}'`);
    expect(line).toContain(String.raw`'client_secret=it'\''s'`);
    expect(line).toContain('Bearer {access_token}');
    expect(line).not.toMatch(/c0de|opaque/);
  });

  it('names the method only where curl would not choose it by itself', () => {
    const url = 'http://localhost/x';
    expect(curlLine({ method: 'GET', url }, {})).toBe(`curl '${url}'`);
    const posted = curlLine({ method: 'POST', url, form: { a: 'b' } }, {});
    expect(posted).toBe([`curl '${url}' \\`, `  --data-urlencode 'a=b'`].join('\n'));
    expect(curlLine({ method: 'DELETE', url }, {})).toBe(`curl --request DELETE '${url}'`);
    const sent = curlLine({ method: 'POST', url, body: { file: 'a.json', text: '{"secret":1}' } }, {});
    const header = `  --header 'Content-Type: application/fhir+json' \\`;
    expect(sent).toBe([`curl '${url}' \\`, header, `  --data '@a.json'`].join('\n'));
  });

  it('leaves text unchanged for a secret that does not exist yet', () => {
    expect(masked('as it is', { code: undefined, token: '' })).toBe('as it is');
  });
});

describe('the comparison', () => {
  const gateway = {
    base: 'http://g/r4/x',
    record: recordOf('{"resourceType":"Observation","id":"1","v":1.00,"s":"http://g/r4/x/Patient/p"}'),
  };

  it('treats both sides as equal once the bases are replaced', () => {
    const payer = {
      base: 'http://p/r4',
      record: recordOf('{"resourceType":"Observation","id":"1","v":1.00,"s":"http://p/r4/Patient/p"}'),
    };

    expect(compareRecords(gateway, payer)).toEqual({
      types: [{ type: 'Observation', gateway: 1, payer: 1 }],
      differences: [],
    });
  });

  it('lists types by name, not by frequency', () => {
    const observation = (id: number): string => `{"resourceType":"Observation","id":"${id}"}`;
    const record = recordOf(observation(1), observation(2), '{"resourceType":"Goal","id":"1"}');
    const { types } = compareRecords({ base: 'http://g/r4/x', record }, { base: 'http://p/r4', record });
    expect(types).toEqual([
      { type: 'Goal', gateway: 1, payer: 1 },
      { type: 'Observation', gateway: 2, payer: 2 },
    ]);
  });

  it('detects a lost decimal and a missing resource', () => {
    const payer = {
      base: 'http://p/r4',
      record: recordOf(
        '{"resourceType":"Observation","id":"1","v":1,"s":"http://p/r4/Patient/p"}',
        '{"resourceType":"Goal","id":"2"}',
      ),
    };

    const { types, differences } = compareRecords(gateway, payer);
    expect(types.map(({ type }) => type)).toEqual(['Goal', 'Observation']);
    const empty = { ...payer, record: recordOf('{"resourceType":"Goal","id":"2"}') };
    expect(compareRecords(gateway, empty).differences).toEqual(['Observation/1', 'Goal/2']);

    expect(differences).toEqual(['Observation/1', 'Goal/2']);
    expect(resultLines({ member: { name: 'A B', birthDate: '2011-01-04' }, types, differences, agree: false })).toMatch(
      /Goal +0 +1\n[^]*They do not agree[^]*Goal\/2/,
    );
  });
});

describe('what the demo prints of a comparison', () => {
  const member = { name: 'A B', birthDate: '2011-01-04' };
  const types = [
    { type: 'Goal', gateway: 2, payer: 1 },
    { type: 'ExplanationOfBenefit', gateway: 13, payer: 13 },
  ];

  it('is the member, a table as wide as its longest type, the sums of both sides, and that they agree', () => {
    expect(resultLines({ member, types, differences: [], agree: true }).split('\n')).toEqual([
      '',
      'Member: A B, born 2011-01-04',
      '',
      '  resource type         via gateway   at payer',
      '  Goal                            2          1',
      '  ExplanationOfBenefit           13         13',
      '  all                            15         14',
      '',
      'They agree: every resource is the same, to the last decimal.',
      '',
    ]);
  });

  it('names ten resources that differ, and not the eleventh', () => {
    const differences = Array.from({ length: 11 }, (_none, index) => `Goal/${index + 1}`);

    const said = resultLines({ member, types, differences, agree: false });
    expect(said).toMatch(/They do not agree\. Different or missing: Goal\/1, .*, Goal\/10\n$/);
  });
});

describe('a step of the demo', () => {
  const request = { method: 'GET', url: 'http://localhost/x?code=c0de' } as const;
  const steps = (signal = new AbortController().signal) => {
    const reports: StepReport[] = [];
    return { reports, take: stepsOf((report) => void reports.push(report), { code: 'c0de' }, signal) };
  };
  afterEach(() => jest.restoreAllMocks());

  it('reports what was sent and answered without its secrets, and its milliseconds, and gives the value', async () => {
    jest.spyOn(performance, 'now').mockReturnValueOnce(1000).mockReturnValueOnce(1249.6);
    const { reports, take } = steps();

    const value = await take('read', '1. Read', async () => ({ value: 7, request, response: 'got c0de\nand more' }));

    expect(value).toBe(7);
    expect(reports).toEqual([
      {
        name: 'read',
        title: '1. Read',
        request: "curl 'http://localhost/x?code={code}'",
        response: 'got {code}\nand more',
        ms: 250,
      },
    ]);
    expect(stepLines(reports[0]!)).toBe(
      "\n1. Read (250 ms)\n\n  curl 'http://localhost/x?code={code}'\n\n  got {code}\n  and more\n",
    );
  });

  it('that fails says which it was, without its secrets', async () => {
    const { reports, take } = steps();
    const failed: StepError = await take('redeem', '2. Redeem', () => Promise.reject(new Error('no c0de'))).then(
      () => Promise.reject(new Error('it went on')),
      (error: StepError) => error,
    );

    expect(failed).toBeInstanceOf(StepError);
    expect([failed.step, failed.message, reports]).toEqual(['redeem', 'no {code}', []]);
  });

  it('does not begin once the run is stopped', async () => {
    const run = jest.fn<() => Promise<never>>();
    const { take } = steps(AbortSignal.abort(new Error('stopped')));

    await expect(take('read', '1. Read', run)).rejects.toThrow('stopped');
    expect(run).not.toHaveBeenCalled();
  });
});

describe('the record that the demo expects', () => {
  const twelve = Array.from({ length: 12 }, (_none, index) => `Type${index}`);

  it.each([
    ['clinical', twelve],
    ['claims', ['Patient', 'Coverage', 'ExplanationOfBenefit']],
    ['bare', ['Patient']],
  ] as const)('is accepted for the member %s with %j', (member, types) => {
    expect(() => checkTypes(types, expectationOf(member))).not.toThrow();
  });

  it.each([
    ['clinical', twelve.slice(1), 'The record has only 11 resource types.'],
    ['clinical', [...twelve, 'Coverage'], 'Coverage is not clinical data and should not be there.'],
    ['clinical', [...twelve, 'ExplanationOfBenefit'], 'ExplanationOfBenefit is not clinical data'],
    ['claims', ['Patient', 'Coverage'], 'The record has no ExplanationOfBenefit.'],
    ['claims', ['Patient', 'ExplanationOfBenefit'], 'The record has no Coverage.'],
    ['bare', ['Goal'], 'The record has no Patient.'],
    ['bare', [], 'The record has only 0 resource types.'],
  ] as const)('is refused for the member %s with %j', (member, types, says) => {
    expect(() => checkTypes(types, expectationOf(member))).toThrow(says);
  });
});
