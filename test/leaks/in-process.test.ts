import { inspect } from 'node:util';
import { everyAwsFault, everySurprise } from './aws-faults.ts';
import { everyFlow } from './flows.ts';
import { startInProcess, type InProcess } from './in-process.ts';
import { everyMalformedRequest } from './malformed.ts';
import { everyPayerFault } from './payer-faults.ts';

const seed = process.env['LEAKS_SEED'] ?? '1';

/** Runs a part, and records what a function would have printed by itself. */
const run = async (part: (setting: InProcess) => Promise<void>): Promise<InProcess> => {
  const setting = startInProcess(seed);
  const { log, info, warn, error, debug } = console;
  const print = (...args: readonly unknown[]): void => setting.garden.see('crash output', inspect(args, { depth: 8 }));
  Object.assign(console, { log: print, info: print, warn: print, error: print, debug: print });
  try {
    await part(setting);
    await setting.gather();
  } finally {
    Object.assign(console, { log, info, warn, error, debug });
  }
  return setting;
};

const report = (title: string, { garden }: InProcess): void => {
  const { canaries, places, texts } = garden.counts();
  process.stdout.write(`leaks, ${title}: ${canaries} canaries × ${places} places, ${texts} texts (seed ${seed})\n`);
};

describe('a canary in every secret, token, code, state, verifier, cookie, name and resource', () => {
  it('appears only where it must when all goes well (ASVS 16.2.5)', async () => {
    const setting = await run(everyFlow);

    report('every flow', setting);
    expect(setting.payer.misuse).toEqual([]);
    expect(setting.garden.leaks()).toEqual([]);
    for (const place of [
      'redirect to the payer',
      'redirect to the partner',
      'consent page',
      'token answer',
      'read answer',
      'other answer',
      'audit item',
      'audit event',
    ] as const) {
      expect([place, setting.garden.seen(place).length > 0]).toEqual([place, true]);
    }
  });

  it('appears nowhere else when the payer fails, whatever its bodies and headers say', async () => {
    const setting = await run(everyPayerFault);

    report('payer faults', setting);
    expect(setting.garden.leaks()).toEqual([]);
  });

  it('appears nowhere else when AWS fails with messages that quote what it was sent (ASVS 16.5.1)', async () => {
    const setting = await run(everyAwsFault);

    report('AWS faults', setting);
    expect(setting.garden.leaks()).toEqual([]);
  });

  it('appears nowhere else when a request is malformed in any parameter, header or path', async () => {
    const setting = await run(everyMalformedRequest);

    report('malformed requests', setting);
    expect(setting.payer.misuse).toEqual([]);
    expect(setting.garden.leaks()).toEqual([]);
  });

  it('appears in no output of a function that throws unexpectedly', async () => {
    const setting = await run(everySurprise);

    report('surprises', setting);
    expect(setting.garden.seen('crash output').length).toBeGreaterThan(0);
    expect(setting.garden.leaks()).toEqual([]);
  });
});
