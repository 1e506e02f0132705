import { checkHistories, transcript } from './check.ts';

/** Set another seed, or more commands, for a run by hand; a failure says how to run it again. */
const seed = Number(process.env['MODEL_SEED'] ?? 20_260_601);
const commands = Number(process.env['MODEL_COMMANDS'] ?? 20_000);

/** Answers without which a promise was hardly put to the test. */
const reached = [
  'callback → 302',
  'callback → 302 temporarily_unavailable',
  'redeem → 200',
  'refresh → 200',
  'refresh → 400 invalid_scope',
  'read → 200',
  'read [rotated] → 200',
  'read [refused] → 401',
  'read → 403',
  'read [down] → 503',
  'revoke → 200',
  'introspect → 200',
  'thief → 200',
  'thief → 400 invalid_grant',
];

describe('a grant, whatever happens to it', () => {
  it(
    `keeps every promise of docs/partners/ through ${commands} commands of random histories (seed ${seed})`,
    async () => {
      const done = await checkHistories({ commands, seed, store: 'dynalite' });
      expect(done.commands).toBeGreaterThanOrEqual(commands);
      const rare = reached.filter((answer) => (done.answers[answer] ?? 0) < commands / 4000);
      expect(rare).toEqual([]);
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
