import { partners } from '../../bin/partners/partners.ts';
import { payers, type PayersToolDeps } from '../../bin/payers/payers.ts';
import { explainAwsFailure } from '../../bin/shared/aws.ts';
import { Refusal, UsageError } from '../../bin/shared/command-line.ts';
import { startMs } from '../support/gateway.ts';

const output = { out: () => {}, note: () => {}, secret: () => {} };
const deps = { environment: {}, output, nowMs: startMs, randomBytes: () => new Uint8Array(32) };
const run = (tool: 'partners' | 'payers', args: readonly string[]): Promise<number> =>
  tool === 'partners'
    ? partners([...args, '--stage', 'local'], deps)
    : payers([...args, '--stage', 'local'], { ...deps, now: () => startMs } as unknown as PayersToolDeps);

describe('a command line', () => {
  it.each<[tool: 'partners' | 'payers', args: readonly string[], message: string]>([
    ['partners', ['block', 'demo-partner'], 'Give --reason TEXT: the audit records why a partner was blocked'],
    ['partners', ['unblock', 'demo-partner', '--reason', ' '], 'Give --reason TEXT: the audit records why'],
    ['partners', ['block', 'demo-partner', '--reason', 'two\nlines'], 'one line of up to 200 characters'],
    ['partners', ['block', '--reason', 'x'], 'Give one name'],
    ['partners', ['block', '', '--reason', 'x'], 'Give one name'],
    ['partners', ['block', 'Demo', 'Partner', '--reason', 'x'], 'Give one name, in quotes'],
    ['partners', ['block', 'demo-partner', '--reason', 'x', '--leaked'], '--leaked does not apply to block'],
    ['partners', ['list', 'demo-partner'], 'Unexpected argument "demo-partner"; list takes no name'],
    ['payers', ['pause', 'northwind'], 'Give --reason TEXT: the audit records why a payer was paused'],
    ['payers', ['pause', '--reason', 'x'], 'Give the payer: pause ID --stage NAME'],
    ['payers', ['pause', 'northwind', '--reason', 'x', '--until', 'soon'], '--until cannot be read'],
    ['payers', ['pause', 'northwind', '--reason', 'x', '--until', '2020-01-01T00:00Z'], '--until is in the past'],
    ['payers', ['resume', 'northwind', '--reason', 'x', '--until', '2h'], '--until does not apply to resume'],
  ])('of %s is refused if it is wrong, and nothing is changed: %j', async (tool, args, message) => {
    await expect(run(tool, args)).rejects.toThrow(UsageError);
    await expect(run(tool, args)).rejects.toThrow(message);
  });

  it.each(['block', 'unblock', 'list'])(
    '%s without a stage is refused, since local is not what was meant',
    async (word) => {
      const args = word === 'list' ? [word] : [word, 'demo-partner', '--reason', 'x'];
      await expect(partners(args, deps)).rejects.toThrow(`Give --stage NAME: ${word} has no default stage`);
    },
  );
});

it('a table that takes no more calls is told in words, with what to do', () => {
  const error = Object.assign(new Error('canary'), { name: 'ProvisionedThroughputExceededException' });
  const explained = explainAwsFailure(error, { stage: 'demo', service: 'AWS', rights: 'x' });

  expect(explained).toBeInstanceOf(Refusal);
  expect(explained).toMatchObject({
    message:
      'AWS takes no more calls at the moment (ProvisionedThroughputExceededException). Run the same command in a minute.',
  });
});
