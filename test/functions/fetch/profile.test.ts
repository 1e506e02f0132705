import { jest } from '@jest/globals';
import type { Payer, PayerQuirks } from '../../../functions/shared/registry/types.ts';
import { fakeTimeouts } from '../../support/fake-timeouts.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';
import { localRegistry, withPayer } from '../../support/login.ts';

/** The FHIR route of a payer with this profile. */
const payerWith = async (profile: Partial<Payer>, quirks: Partial<PayerQuirks> = {}) => {
  const data = localRegistry();
  const usual = data.payers.find(({ id }) => id === 'northwind')!.quirks;
  const test = fetchGateway({
    registry: withPayer('northwind', { ...profile, quirks: { ...usual, ...quirks } })(data),
  });
  const { token } = await test.grant();
  const acceptSent = () => test.payer.requests.map(({ init }) => new Headers(init?.headers).get('accept'));
  return {
    ...test,
    acceptSent,
    read: (path: string, options?: Parameters<typeof read>[3]) => read(test.deps, path, token, options),
  };
};

describe("a payer's own name for FHIR JSON", () => {
  const own = 'application/json+fhir';
  const quirks = { fhirMediaType: own };
  const answerIn = (type: string) => async () =>
    fhir({ resourceType: 'Bundle' }, { headers: { 'content-type': type } });

  it.each([own, `${own}; charset=UTF-8`, 'application/fhir+json', 'application/json'])(
    'is asked for; an answer in %s is taken, and the partner gets application/fhir+json',
    async (type) => {
      const { payer, acceptSent, read: readAt } = await payerWith({}, quirks);
      payer.http = answerIn(type);

      const answer = await readAt('Observation');

      expect(acceptSent()).toEqual([own]);
      expect([answer.statusCode, answer.headers['Content-Type']]).toEqual([
        200,
        'application/fhir+json; charset=utf-8',
      ]);
    },
  );

  it('is not taken from a payer whose profile does not have it', async () => {
    const { payer, acceptSent, read: readAt } = await payerWith({});
    payer.http = answerIn(own);

    expect((await readAt('Observation')).statusCode).toBe(502);
    expect(acceptSent()).toEqual(['application/fhir+json']);
  });

  it("stands for FHIR's in what a partner asks of a Binary, and other types stay", async () => {
    const { payer, acceptSent, read: readAt } = await payerWith({}, quirks);
    payer.http = answerIn(own);

    const answer = await readAt('Binary/1', { headers: { Accept: 'application/pdf, application/fhir+json;q=0.5' } });

    expect(acceptSent()).toEqual([`application/pdf, ${own};q=0.5`]);
    expect(answer.headers['Content-Type']).toBe('application/fhir+json; charset=utf-8');
  });

  it('makes no FHIR of a document that is plain JSON', async () => {
    const { payer, read: readAt } = await payerWith({}, { fhirMediaType: 'application/json' });
    payer.http = answerIn('application/json');

    expect((await readAt('Binary/1')).headers).toMatchObject({
      'Content-Type': 'application/json',
      'Content-Disposition': 'attachment',
    });
  });

  it("keeps the payer's own OperationOutcome", async () => {
    const { payer, read: readAt } = await payerWith({}, quirks);
    const outcome = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', diagnostics: 'x' }],
    };
    payer.http = async () => fhir(outcome, { status: 404, headers: { 'content-type': own } });

    expect((await readAt('Observation/1')).json()).toEqual(outcome);
  });
});

describe('the time to the first byte', () => {
  afterEach(() => jest.useRealTimers());

  it.each<[number, number | undefined]>([
    [60, undefined],
    [200, 200],
    [5, 5],
  ])('is %i seconds if the profile says %s', async (seconds, timeToFirstByte) => {
    const test = await payerWith({}, timeToFirstByte === undefined ? {} : { timeToFirstByte });
    const pass = fakeTimeouts();
    let sent: (() => void) | undefined;
    const isSent = new Promise<void>((resolve) => (sent = resolve));
    let ended: unknown;
    test.payer.http = (_url, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => {
          ended = init.signal?.reason;
          reject(init.signal?.reason);
        });
        sent?.();
      });

    const reading = test.read('Observation', { stream: { remainingMs: 600_000 } });
    await isSent;
    pass(seconds * 1000 - 1);
    expect(ended).toBeUndefined();
    pass(1);

    expect((await reading).statusCode).toBe(504);
  });
});

describe('paging parameters of a profile', () => {
  const profile = { pagingParameters: ['_page'] };

  it.each(['Observation?_page=2', 'Patient/patient-1/$everything?_page=2', 'Patient/patient-1/Observation?_page=2'])(
    'are passed on in %s',
    async (path) => {
      const { payer, read: readAt } = await payerWith(profile);
      payer.http = async () => fhir({ resourceType: 'Bundle' });
      const [below = '', query] = path.split('?');

      expect((await readAt(below, query === undefined ? {} : { query })).statusCode).toBe(200);
      expect(payer.requests.map(({ url }) => url)).toEqual([`http://127.0.0.1:3003/r4/${path}`]);
    },
  );

  it.each([
    ['a parameter that the profile does not have', 'Observation', '_offset=2', 400],
    ['another letter case', 'Observation', '_PAGE=2', 400],
    ['one on a read', 'Observation/1', '_page=2', 400],
    ['one that names another patient', 'Observation', '_page=Patient/9', 403],
    ['one that names another patient, encoded twice', 'Observation', '_page=Patient%252F9', 403],
  ])('%s is refused, and the payer is not asked', async (_, path, query, status) => {
    const { payer, read: readAt } = await payerWith(profile);

    const answer = await readAt(path, { query });

    expect([answer.statusCode, issueOf(answer).code.length > 0, payer.requests.length]).toEqual([status, true, 0]);
  });
});
