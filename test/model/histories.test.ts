import { checkHistories, transcript } from './check.ts';

/** Set another seed, or more commands, for a run by hand; a failure says how to run it again. */
const seed = Number(process.env['MODEL_SEED'] ?? 20_260_601);
const commands = Number(process.env['MODEL_COMMANDS'] ?? 20_000);

describe('a grant, whatever happens to it', () => {
  it(
    `keeps every promise of docs/partners/ through ${commands} commands of random histories (seed ${seed})`,
    async () => {
      const done = await checkHistories({ commands, seed, store: 'dynalite' });
      expect(done).toBeGreaterThanOrEqual(commands);
    },
    15 * 60_000,
  );

  it('has the same history in memory as with DynamoDB’s protocol, so long runs may use the faster one', async () => {
    const onDynalite = await transcript(seed, 12, 'dynalite');
    const inMemory = await transcript(seed, 12, 'memory');
    expect(onDynalite.length).toBeGreaterThan(200);
    expect(inMemory).toEqual(onDynalite);
  });
});
