import { checkPayers } from '../../bin/payers/check.ts';
import { payersInFile } from '../../bin/payers/source.ts';
import { checkStage } from '../../config/check.ts';
import { es384Jwk } from '../support/login.ts';
import { json, payerDeps, plan } from './payer-deps.ts';

const stageOf = (many: number) =>
  checkStage(
    {
      stage: 'test',
      production: false,
      payers: Array.from({ length: many }, (_, index) => ({
        ...plan,
        id: `plan-${index}`,
        fhirBaseUrl: `https://plan.test/${index}`,
      })),
      partners: [],
    },
    'x',
  );

const run = async (many: number, id?: string) => {
  let atOnce = 0;
  let most = 0;
  const { deps } = payerDeps();
  const counting = {
    ...deps,
    lookup: async (host: string) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise(setImmediate);
      return deps.lookup(host);
    },
    connect: async (...args: Parameters<typeof deps.connect>) => {
      atOnce -= 1;
      return deps.connect(...args);
    },
    http: async (...[input, init]: Parameters<typeof deps.http>) =>
      /\/\d+\/metadata$/.test(String(input))
        ? json({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' })
        : deps.http(input, init),
  };
  const lines: string[] = [];
  const output = { out: (text: string) => void lines.push(text), note: () => undefined, secret: () => undefined };
  const progress = { show: () => {}, clear: () => {} };
  const payers = payersInFile(stageOf(many), id);
  const options = { stage: 'test', payers, origin: 'https://gateway.test', json: true, progress };
  const code = await checkPayers(counting, output, options);
  return { code, most, report: JSON.parse(lines.join('')) as { payers: { id: string; register: object }[] } };
};

describe('the doctor', () => {
  it.each([1, 32, 33, 70])('examines each of %i payers once, in order, 32 at a time', async (many) => {
    const { code, most, report } = await run(many);

    expect(code).toBe(0);
    expect(report.payers.map(({ id }) => id)).toEqual(Array.from({ length: many }, (_, index) => `plan-${index}`));
    expect(most).toBe(Math.min(many, 32));
    expect(report.payers.at(-1)?.register).toEqual({
      redirectUri: `https://gateway.test/oauth2/callback/plan-${many - 1}`,
      jwksUrl: `https://gateway.test/oauth2/jwks/plan-${many - 1}`,
    });
  });

  it('examines only the ninth if asked to', async () => {
    const { report } = await run(12, 'plan-8');

    expect(report.payers.map(({ id }) => id)).toEqual(['plan-8']);
  });

  it('accepts our own key without alg, and judges it by its type', async () => {
    const { publicJwk } = es384Jwk('no-alg');
    expect(publicJwk).not.toHaveProperty('alg');

    expect(() => checkStage({ ...stageOf(1), payers: [{ ...plan, publicKeys: [publicJwk] }] }, 'x')).not.toThrow();
  });
});
