import { grants } from '../../bin/grants/grants.ts';
import { describeGrantEvent } from '../../functions/audit/describe-grant-event.ts';
import type { StreamImage } from '../../functions/audit/stream-image.ts';
import { getGrant, putGrant, redeem, revoke } from '../../functions/shared/store/grants.ts';
import { isStoppedSince } from '../../functions/shared/store/member-stops.ts';
import { issue } from '../functions/shared/store/grants-cases.ts';
import { startMs } from '../support/gateway.ts';
import { livingGrant } from '../support/living-grant.ts';
import { listening, tableOf, toolStage } from './tool-stage.ts';

const now = startMs / 1000;
const grant = livingGrant(now, { grantId: 'abcdefghijklmnopqrst-1', partner: 'demo-partner' });
const operator = 'arn:aws:iam::000000000000:user/operator';
let stage: Awaited<ReturnType<typeof toolStage>>;
let writes: StreamImage[];
const table = () => stage.table('Grants');

beforeEach(async () => {
  writes = [];
  const spec = tableOf('Grants', { stream: { arn: 'arn', viewType: 'NEW_AND_OLD_IMAGES' } });
  stage = await toolStage([spec, tableOf('Registry')], ({ dynamodb }) => void writes.push(dynamodb?.NewImage ?? {}));
  await putGrant(table(), { ...grant, memberIndex: 'index-1' }, { now, requestId: 'request-1' });
});
afterEach(() => stage.close());

const run = async (args: readonly string[], nowMs = startMs) => {
  const { out, told, output } = listening();
  const code = await grants(args, { nowMs, environment: { AWS_ENDPOINT_URL: stage.aws.url }, output });
  return { code, out: out.join('\n'), told: told.join('\n') };
};

const end = (...more: string[]) => run(['end', grant.grantId, '--reason', 'The member asked by phone', ...more]);

describe('npm run grants', () => {
  it('shows a grant without its tokens or keys', async () => {
    expect(await run(['show', grant.grantId])).toEqual({
      code: 0,
      told: '',
      out: [
        'grant    abcdefghijklmnopqrst-1',
        'partner  demo-partner',
        'payer    northwind',
        'scope    patient/*.rs',
        'state    waiting for its code to be redeemed',
      ].join('\n'),
    });
  });

  it('lists grants by the way they were made, their partner and their day', async () => {
    const identity = { issuer: 'https://csp.example.org', level: 2, attestedAt: now - 60 };
    const made = { ...grant, grantId: 'abcdefghijklmnopqrst-2', codeHash: 'another' };
    await putGrant(table(), made, { now: now + 86_400, requestId: 'request-2', identity });
    const idsOf = async (...flags: string[]) => {
      const lines = (await run(['list', ...flags], startMs + 86_400_000)).out.split('\n');
      return [...lines.slice(1, -1).map((line) => line.split(' ')[0]), lines.at(-1)];
    };

    expect(await idsOf()).toEqual([made.grantId, grant.grantId, '2 grants']);
    expect(await idsOf('--via', 'identity', '--partner', 'demo-partner')).toEqual([made.grantId, '1 grant']);
    expect(await idsOf('--via', 'sign-in')).toEqual([grant.grantId, '1 grant']);
    expect(await idsOf('--since', '2026-06-02')).toEqual([made.grantId, '1 grant']);
    expect(await idsOf('--via', 'identity', '--partner', 'demo-app')).toEqual(['0 grants']);
    await stage.fill();
    expect((await run(['list', '--payer', 'demo-helth-plan'])).told).toContain('did you mean demo-health-plan');
    expect((await run(['list', '--via', 'identity'])).out).toContain('identity  2026-06-01T11:59:00Z');
  });

  it('shows a partner and a payer of the item in their own lines, whatever is in them', async () => {
    const other = {
      ...grant,
      grantId: 'abcdefghijklmnopqrst-2',
      partner: 'a\nstate    FORGED',
      payer: 'b\nstate    FORGED',
    };
    await putGrant(table(), other, { now, requestId: 'request-2' });

    expect((await run(['show', other.grantId])).out.split('\n')).toHaveLength(5);
  });

  it('says until when a grant is valid, and when one ended or expired', async () => {
    const stateAt = async (seconds: number): Promise<string | undefined> =>
      (await run(['show', grant.grantId], startMs + seconds * 1000)).out.split('\n').at(-1);
    expect(await stateAt(3599)).toBe('state    waiting for its code to be redeemed');
    expect(await stateAt(3600)).toBe('state    expired 2026-06-01T13:00:00Z');

    await redeem(table(), grant, issue, { now, requestId: 'r' });
    expect(await stateAt(0)).toBe('state    valid until 2026-06-01T13:00:00Z');

    await revoke(table(), grant.grantId, 'byPartner', { now: now + 5, requestId: 'r' });
    expect(await stateAt(9)).toBe('state    ended 2026-06-01T12:00:05Z');
  });

  it('ends a grant, writes to the stream who did it and why, and lets no approval from before make another', async () => {
    const app = { memberIndex: 'index-1', partner: grant.partner };
    expect(await isStoppedSince(table(), app, now - 1)).toBe(false);
    const { code, told } = await end();
    expect(await isStoppedSince(table(), app, now - 1)).toBe(true);

    expect(code).toBe(0);
    expect(told).toContain(`Ended this grant as ${operator}.`);
    const ended = await getGrant(table(), grant.grantId);
    expect(ended).toMatchObject({ revokedAt: now });
    expect(ended?.sealedPayerTokens).toHaveLength(0);
    expect(ended?.wrappedKey).toBeUndefined();
    const event = describeGrantEvent(writes.at(-1) ?? {}, 'local', now);
    expect(event).toMatchObject({
      action: 'D',
      agent: [{ who: { identifier: { value: operator } }, requestor: true }, {}, {}],
    });
    expect(event.entity[0]?.detail).toEqual([
      { type: 'reason', valueString: 'byOperator' },
      { type: 'note', valueString: 'The member asked by phone' },
    ]);
  });

  it('changes nothing about a grant that has already ended, and says so', async () => {
    await end();
    expect(await end()).toMatchObject({ code: 0, told: 'The grant has already ended. Nothing was changed.' });
  });

  it('refuses a grant that does not exist', async () => {
    await expect(run(['show', 'abcdefghijklmnopqrst-2'])).rejects.toThrow('There is no grant abcdefghijklmnopqrst-2');
  });
});
