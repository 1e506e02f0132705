import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { Webhook } from 'standardwebhooks';
import { readSince } from '../../bin/shared/times.ts';
import { writeWebhookSecret } from '../../functions/shared/events/webhook-secrets.ts';
import { disabledSince, disableWebhook } from '../../functions/shared/store/webhooks.ts';
import { startMs } from '../support/gateway.ts';
import { webhookTool, type WebhookTool } from './webhook-tool.ts';

let world: WebhookTool;
beforeEach(async () => {
  world = await webhookTool();
});
afterEach(() => world.close());

const secretOf = (fill: number): string => writeWebhookSecret(new Uint8Array(32).fill(fill));
const rotate = (random: number, ...more: string[]) =>
  world.tool(['webhook', 'demo-partner', '--rotate', ...more], { random });

/** Which of the secrets accept the latest post. */
const acceptedBy = (...secrets: string[]): boolean[] =>
  secrets.map((secret) => {
    const { headers, body } = world.posted.at(-1)!;
    try {
      return new Webhook(secret).verify(body, headers) !== undefined;
    } catch {
      return false;
    }
  });

describe('npm run partners -- webhook', () => {
  it('makes the secret and shows it once, alone on stdout, with the next steps', async () => {
    const { code, out, notes, secret } = await world.webhook('Demo Partner');
    expect([code, out, secret]).toEqual([0, '', secretOf(7)]);
    expect(notes).toContain('The webhook secret of Demo Partner (demo-partner).');
    expect(notes).toContain('npm run partners -- webhook demo-partner --stage local --test');
    const configured = await world.tool(['webhook', 'demo-partner', '--rotate'], {
      at: ['--config', 'config/local.ts'],
    });
    expect(configured.notes).toContain('webhook demo-partner --config config/local.ts --finish');
    expect(notes).not.toContain('whsec_');
    await expect(world.webhook('demo-partner')).rejects.toThrow(
      'demo-partner has a webhook secret already; make a second one with: webhook demo-partner --rotate',
    );
  });

  it('says that the entry has no webhook yet, if it has none', async () => {
    expect((await world.webhook('third-party-app')).notes).toContain('Its entry has no webhook yet');
  });

  it('signs with both secrets between --rotate and --finish, then with the new one alone', async () => {
    await world.webhook('demo-partner');
    expect((await rotate(8)).secret).toBe(secretOf(8));
    await world.webhook('demo-partner', '--test');
    expect(acceptedBy(secretOf(7), secretOf(8))).toEqual([true, true]);
    await expect(rotate(9)).rejects.toThrow('already has two webhook secrets');
    const finished = await world.webhook('demo-partner', '--finish');
    expect([finished.secret, finished.out]).toEqual(['', '']);
    await world.tool(['webhook', 'demo-partner', '--test'], { nowMs: startMs + 1000 });
    expect(acceptedBy(secretOf(7), secretOf(8))).toEqual([false, true]);
    await expect(world.webhook('demo-partner', '--finish')).rejects.toThrow('there is no rotation to finish');
  });

  it('replaces every other secret at once with --rotate --leaked', async () => {
    await world.webhook('demo-partner');
    await rotate(8);
    const { secret, notes } = await rotate(9, '--leaked');
    expect(secret).toBe(secretOf(9));
    expect(notes).toContain('in place of every other');
    await world.webhook('demo-partner', '--test');
    expect(acceptedBy(secretOf(7), secretOf(8), secretOf(9))).toEqual([false, false, true]);
  });

  it('shows no secret with --dry-run', async () => {
    expect((await world.webhook('demo-partner', '--dry-run')).secret).toBe('');
    await expect(world.webhook('demo-partner', '--finish')).rejects.toThrow('has no webhook secret yet');
  });

  it('refuses a secret that was written by hand, and does not quote it', async () => {
    await world.webhook('demo-partner');
    const text = '{"secret":"by-hand"}';
    await world.secrets.send(
      new PutSecretValueCommand({ SecretId: 'p2p/local/webhooks/demo-partner', SecretString: text }),
    );
    await expect(rotate(8)).rejects.toThrow(/^(?!.*by-hand).*does not hold \{"secrets"/s);
  });

  it('lists the existing partners if none has that name', async () => {
    await expect(world.webhook('demo-partnr')).rejects.toThrow('Stage local has no partner "demo-partnr"; it has:');
  });
});

describe('npm run partners -- webhook --test', () => {
  beforeEach(() => world.webhook('demo-partner'));

  it('sends one signed event of type webhook.test through the real function, and says that it was accepted', async () => {
    const { code, out } = await world.webhook('demo-partner', '--test');
    expect([code, out]).toEqual([0, 'The webhook of Demo Partner (demo-partner) took the test event.']);
    expect(world.posted).toHaveLength(1);
    expect(new Webhook(secretOf(7)).verify(world.posted[0]!.body, world.posted[0]!.headers)).toEqual({
      type: 'webhook.test',
      timestamp: '2026-06-01T12:00:00Z',
      data: {},
    });
  });

  it('prints the receiver’s answer, and does not retry', async () => {
    world.receiver.status = 500;
    await expect(world.webhook('demo-partner', '--test')).rejects.toThrow('did not take the test event: status 500');
    expect(world.posted).toHaveLength(1);
  });

  it('says that an answer of 410 disables the webhook, and that a disabled one gets nothing', async () => {
    world.receiver.status = 410;
    await expect(world.webhook('demo-partner', '--test')).rejects.toThrow('answered 410, which disables it');
    await expect(world.tool(['webhook', 'demo-partner', '--test'], { nowMs: startMs + 1000 })).rejects.toThrow(
      'is disabled since it answered 410; enable it first: --enable',
    );
    expect(world.posted).toHaveLength(1);
  });

  it('refuses for a partner without a webhook, and for a blocked one', async () => {
    await expect(world.webhook('third-party-app', '--test')).rejects.toThrow('has no webhook');
    await world.tool(['block', 'demo-partner', '--reason', 'test']);
    await expect(world.webhook('demo-partner', '--test')).rejects.toThrow('is blocked, so it gets no events');
    expect(world.posted).toEqual([]);
  });
});

describe('npm run partners -- webhook --enable', () => {
  it('enables a webhook that an answer of 410 disabled, and says how to send the missed events', async () => {
    const table = { client: world.dynamo, name: 'p2p-gateway-local-TablesLimits1' };
    expect((await world.webhook('demo-partner', '--enable')).out).toBe(
      'The webhook of Demo Partner (demo-partner) is not disabled. Nothing was changed.',
    );
    await disableWebhook(table, 'demo-partner', startMs / 1000);
    expect((await world.webhook('demo-partner', '--enable', '--dry-run')).out).toContain('Nothing was changed.');
    expect(await disabledSince(table, 'demo-partner')).toBe(startMs / 1000);
    const { out } = await world.webhook('demo-partner', '--enable');
    expect(out).toContain('It was disabled since 2026-06-01T12:00:00Z, when it answered 410.');
    expect(out).toContain('npm run partners -- replay demo-partner --since 2026-06-01T12:00:00Z --stage local');
    expect(await disabledSince(table, 'demo-partner')).toBeUndefined();
  });
});

describe('the command line of webhook and replay', () => {
  it.each([
    ['2h', startMs / 1000 - 7200],
    ['30d', startMs / 1000 - 30 * 86_400],
    ['2026-06-01T11:00Z', startMs / 1000 - 3600],
    ['2026-06-01T13:00:00+02:00', startMs / 1000 - 3600],
  ])('--since %s is a time', (text, seconds) => {
    expect(readSince(text, startMs)).toBe(seconds);
  });

  it.each([
    ['31d', 'over 30 days ago'],
    ['2026-06-01T12:00:01Z', 'in the future'],
    ['yesterday', 'cannot be read'],
    ['2026-06-01', 'cannot be read'],
  ])('--since %s is refused', (text, message) => {
    expect(() => readSince(text, startMs)).toThrow(message);
  });
});
