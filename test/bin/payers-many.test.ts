import { checkPayers } from '../../bin/payers/check.ts';
import type { FoundPayer } from '../../bin/payers/registry-findings.ts';
import { payersInFile } from '../../bin/payers/source.ts';
import { checkStage } from '../../config/checks/check-stage.ts';
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
        displayName: `Plan ${index}`,
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

describe('what the doctor prints', () => {
  const stop = {
    at: 1_780_315_200,
    until: undefined,
    by: 'arn:aws:iam::111122223333:user/operator',
    reason: 'Maintenance',
  };
  const check = async (payers: readonly FoundPayer[], broken: readonly string[] = []) => {
    const events: string[] = [];
    const output = {
      out: (text: string) => void events.push(text),
      note: () => undefined,
      secret: () => undefined,
    };
    const progress = { show: () => void events.push('show'), clear: () => void events.push('clear') };
    const { deps } = payerDeps();
    const answering = {
      ...deps,
      http: async (...[input, init]: Parameters<typeof deps.http>) => {
        const url = String(input);
        if (broken.some((id) => url.includes(`/${id}/`))) return json({}, 500);
        return url.endsWith('/metadata')
          ? json({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' })
          : deps.http(input, init);
      },
    };
    const options = { stage: 'test', payers, origin: 'https://gateway.test', json: false, progress };
    const code = await checkPayers(answering, output, options);
    const printed = events.filter((event) => event !== 'show' && event !== 'clear');
    return { code, events, printed };
  };
  const foundIn = (many: number): FoundPayer[] => payersInFile(stageOf(many), undefined);

  it('names who paused a payer, since when and why, without counting that as something to do', async () => {
    const [first, second] = foundIn(2);
    const { code, printed } = await check([{ ...first!, stop }, second!]);

    expect(code).toBe(0);
    expect(printed.join('\n')).toContain(
      'paused until someone resumes it, since 2026-06-01T12:00:00Z, by arn:aws:iam::111122223333:user/operator: Maintenance',
    );
    expect(printed.at(-1)).toBe('2 payers: all well, 1 paused');
  });

  it('says nothing about a pause that is over', async () => {
    const [first] = foundIn(1);
    const { printed } = await check([{ ...first!, stop: { ...stop, until: 1_780_315_260 } }]);

    expect(printed.at(-1)).toBe('1 payer: all well');
  });

  it('names an entry that is damaged, what that does and what to do, and examines the others', async () => {
    const { code, printed } = await check([{ id: 'plan-x', payer: undefined }, ...foundIn(1)]);

    expect(code).toBe(1);
    expect(printed[0]).toContain('its entry was changed by hand and is damaged');
    expect(printed[0]).toContain('npm run registry -- apply');
    expect(printed.at(-1)).toBe('2 payers: 1 thing to do, 1 damaged');
  });

  it('what the doctor prints of 50 payers or more is only those with something to do or paused, and of fewer all', async () => {
    const [first, ...others] = foundIn(50);
    const { printed } = await check([{ ...first!, stop }, ...others], ['7']);

    expect(printed).toHaveLength(3);
    expect(printed.slice(0, 2).join()).toContain('(plan-0)');
    expect(printed.slice(0, 2).join()).toContain('(plan-7)');
    expect((await check(foundIn(49))).printed).toHaveLength(50);
  });

  it('is never drawn over: the progress bar is removed before each result, and at the end', async () => {
    const { events } = await check(foundIn(3));

    for (const [index, event] of events.entries()) {
      if (event !== 'show' && event !== 'clear') expect(events[index - 1]).toBe('clear');
    }
    expect(events.filter((event) => event === 'show').length).toBeGreaterThanOrEqual(4);
  });
});
