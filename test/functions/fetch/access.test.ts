import { fetchGateway, fhir, read } from '../../support/fetch-gateway.ts';
import { withPartner, withPayer } from '../../support/login.ts';

const ready = () => {
  const test = fetchGateway();
  test.payer.http = () => Promise.resolve(fhir({ resourceType: 'Bundle' }));
  return test;
};

describe('a grant that knows its patient', () => {
  it("reads its own, with our base in a value replaced by the payer's", async () => {
    const test = ready();
    const { token } = await test.grant();
    const query = 'subject=http://localhost:3000/r4/northwind/Patient/patient-1';
    expect((await read(test.deps, 'Observation', token, { query })).statusCode).toBe(200);
    const { searchParams } = new URL(test.payer.requests[0]?.url ?? '');
    expect(searchParams.get('subject')).toBe('http://127.0.0.1:3003/r4/Patient/patient-1');
  });
});

describe('a grant that knows no patient', () => {
  it('leaves the choice to the payer whose record it opens, if the payer’s profile says so', async () => {
    const test = ready();
    const { token } = await test.grant({ patient: undefined });
    const deps = test.reconfigured(withPayer('northwind', { patientFrom: 'none' }));
    expect((await read(deps, 'Patient/patient-2', token)).statusCode).toBe(200);
  });

  it.each(['token', 'search'] as const)(
    'reads nothing if the profile takes the patient from %s',
    async (patientFrom) => {
      const test = ready();
      const { token } = await test.grant({ patient: undefined });
      const deps = test.reconfigured(withPayer('northwind', { patientFrom }));
      expect((await read(deps, 'Patient/patient-2', token)).statusCode).toBe(401);
      expect(test.payer.requests).toEqual([]);
    },
  );
});

describe('a partner’s registration', () => {
  const narrowTo = (...scopes: string[]) => withPartner('demo-partner', { scopes });

  it('narrows existing grants at once', async () => {
    const test = ready();
    const { token } = await test.grant();
    const deps = test.reconfigured(narrowTo('patient/Observation.rs', 'offline_access'));

    expect((await read(deps, 'Observation', token)).statusCode).toBe(200);
    expect((await read(deps, 'Condition', token)).statusCode).toBe(403);
    expect((await read(deps, 'Patient/patient-1/$everything', token)).statusCode).toBe(403);
    expect((await read(deps, '', token, { query: '_type=Condition' })).statusCode).toBe(403);
    // The file is restored: what was granted is valid again.
    expect((await read(test.deps, 'Condition', token)).statusCode).toBe(200);
  });

  it('applies to the pages of a search that began before it was narrowed', async () => {
    const test = ready();
    const { token } = await test.grant();
    const next = 'http://127.0.0.1:3003/r4/Condition?page=2';
    test.payer.http = async () => fhir({ resourceType: 'Bundle', link: [{ relation: 'next', url: next }] });
    const page = (await read(test.deps, 'Condition', token)).json() as { link: { url: string }[] };
    const query = new URL(page.link[0]?.url ?? '').search.slice(1);
    const asked = test.payer.requests.length;

    const narrowed = test.reconfigured(narrowTo('patient/Observation.rs', 'offline_access'));
    expect((await read(narrowed, '', token, { query })).statusCode).toBe(403);
    expect(test.payer.requests).toHaveLength(asked);
    expect((await read(test.deps, '', token, { query })).statusCode).toBe(200);
  });

  it('leaves a grant nothing to read if it covers nothing that was granted', async () => {
    const test = ready();
    const { token } = await test.grant({ scope: 'patient/Condition.rs' });
    const deps = test.reconfigured(narrowTo('patient/Observation.rs'));

    const answers = [await read(deps, 'Observation', token), await read(deps, 'Condition', token)];

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403]);
    expect(test.payer.requests).toEqual([]);
  });

  it('widens no existing grant', async () => {
    const test = ready();
    const { token } = await test.grant({ scope: 'patient/Condition.r' });
    const deps = test.reconfigured(narrowTo('patient/*.rs', 'user/*.rs'));

    expect((await read(deps, 'Condition', token)).statusCode).toBe(403);
    expect((await read(deps, 'Observation', token)).statusCode).toBe(403);
  });
});
