import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { manifestName } from '../../../functions/shared/exports/object-names.ts';
import { exportAttributes } from '../../../functions/shared/store/attributes.ts';
import { changedValue } from '../../support/changed-value.ts';
import { exportWorld, memberPatient, pageOf, type PayerScript, type WorldOptions } from '../../support/export-world.ts';
import { words } from '../../support/words.ts';
import { matchInput } from './former-plan.ts';

/*
 * Somebody may write to the table Exports, and to nothing else. Whatever they make of a running export, its token, its input and
 * what was read go to nobody.
 */

/** What changes while an export runs, or is sealed itself; `boundOf` says why that is harmless. */
const free = new Set(
  words(`
    status expiresAt resources resourcesTotal typesDone typesTotal attachments payerProgress pollAgainAt manifestDigest endedAt
    payerTokenExpiresAt payerTokenAt payerVersion executionArn beganAt startAgainAt callbackId refusedVersion waitingSince
    fileKey
  `),
);
/** The key of the item, and what is compared with the job's own input. */
const keys = new Set(['grantId', 'exportId']);
const sealed = { record: ['payerToken', 'stateKey'], exchange: ['inputKey', 'stateKey'] };
const columns = Object.keys(exportAttributes).filter(
  (name) => !free.has(name) && !keys.has(name) && !Object.values(sealed).flat().includes(name),
);

/** Values that would help somebody who can write to the table, for columns in which any other text means nothing. */
const others: Readonly<Record<string, AttributeValue>> = {
  payer: { S: 'demo-health-plan' },
  partner: { S: 'demo-app' },
  types: { SS: ['Claim'] },
  ignored: { SS: ['_elements'] },
  exchange: { S: 'group' },
  exportSecret: { B: new Uint8Array(64) },
};

const throttled = { status: 429, headers: { 'retry-after': '600' } };
const asks: Readonly<Record<keyof typeof sealed, WorldOptions>> = {
  record: { types: ['Patient', 'Observation'], since: '2026-01-01T00:00:00Z', tokenLives: 86_400 },
  exchange: { exchange: matchInput('ours-a') },
};

/** A world whose payer asks to wait after its first request. */
const waitingWorld = (kind: keyof typeof sealed) => {
  const world = exportWorld(asks[kind]);
  let asked = 0;
  const script: PayerScript = () => {
    asked += 1;
    return asked === 1 ? throttled : pageOf([memberPatient]);
  };
  world.answerWith(script);
  const change = (name: string): void => {
    const items = world.dynamo.items('Exports');
    const item = items.get(world.grantId) ?? {};
    items.set(world.grantId, { ...item, [name]: others[name] ?? changedValue(item[name]) });
  };
  return { world, change };
};

const cases = (['record', 'exchange'] as const).flatMap((kind) =>
  [...columns, ...sealed[kind]].map((name) => [kind, name] as const),
);

/** The export ended as a failure that says why, after as many requests, and without anything to download. */
const expectRefused = async (
  { world }: ReturnType<typeof waitingWorld>,
  asked: number,
  detail = 'the export does not open: its item was changed',
): Promise<void> => {
  expect(world.asked).toHaveLength(asked);
  expect(await world.item()).toMatchObject({ status: 'failed' });
  expect(world.objects.has(manifestName(world.exportId))).toBe(false);
  const ends = world.lines.map((line) => JSON.parse(line) as object).filter((line) => 'outcome' in line);
  expect(ends.at(-1)).toMatchObject({ outcome: 'failed', detail });
};

/** Nobody in a record's world may ask for an exchange. */
const detailOf = (kind: string, name: string): string | undefined =>
  kind === 'record' && name === 'exchange' ? 'partnerRemoved' : undefined;

describe('the job of a', () => {
  it.each(cases.filter(([, name]) => name !== 'stateKey'))(
    '%s whose %s somebody changed before it began asks nobody, and fails',
    async (kind, name) => {
      const test = waitingWorld(kind);
      await test.world.kickOff();
      test.change(name);
      const arn = test.world.start();

      await test.world.durable.finish(arn);

      await expectRefused(test, 0, detailOf(kind, name));
    },
  );

  it.each(cases)('%s whose %s somebody changed while it ran asks nobody any more, and fails', async (kind, name) => {
    const test = waitingWorld(kind);
    await test.world.kickOff();
    const arn = test.world.start();
    await test.world.durable.untilPaused();
    expect(test.world.asked).toHaveLength(1);
    test.change(name);

    await test.world.durable.finish(arn);

    await expectRefused(test, 1, detailOf(kind, name));
  });

  it('record that somebody made to begin again reads for those for whom it was begun, or not at all', async () => {
    for (const name of [undefined, ...columns]) {
      const test = waitingWorld('record');
      const { world } = test;
      await world.kickOff();
      world.start();
      await world.durable.untilPaused();
      const items = world.dynamo.items('Exports');
      const { stateKey: _, beganAt: __, executionArn: ___, ...item } = items.get(world.grantId) ?? {};
      items.set(world.grantId, item);
      if (name !== undefined) test.change(name);

      await world.durable.finish(world.durable.start('job', { exportId: world.exportId }, `${world.exportId}-1`));

      if (name !== undefined) await expectRefused(test, 1, detailOf('record', name));
      else expect(await world.item()).toMatchObject({ status: 'completed' });
    }
  });
});
