import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { dynamoLimits } from '../../functions/shared/store/dynamo.ts';
import { getGrant } from '../../functions/shared/store/grants.ts';
import { grantCases } from '../functions/shared/store/grants-cases.ts';
import { loginAttemptCases } from '../functions/shared/store/login-attempts-cases.ts';
import { at, property, type StageTemplate } from '../support/stage-template.ts';
import { makeTable, production } from './made-from-template.ts';
import { motoServer } from './moto.ts';

const moto = motoServer();
let template: StageTemplate;
let client: DynamoDBClient;
beforeAll(async () => {
  template = await production();
  client = new DynamoDBClient({ ...dynamoLimits, ...moto.settings() });
});
afterAll(() => client.destroy());

grantCases(() => makeTable(client, template, 'Tables/Grants'));
loginAttemptCases(() => makeTable(client, template, 'Tables/LoginAttempts'));

describe('a table made from the template', () => {
  it.each(['Tables/LoginAttempts', 'Tables/Grants', 'Tables/AuditEvents', 'Tables/Limits'])(
    '%s expires its items, can be recovered and has its stream',
    async (path) => {
      const { name: TableName } = await makeTable(client, template, path);

      const { Table: table } = await client.send(new DescribeTableCommand({ TableName }));
      const { TimeToLiveDescription: ttl } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
      const { ContinuousBackupsDescription: backups } = await client.send(
        new DescribeContinuousBackupsCommand({ TableName }),
      );

      const stream = property(at(template, path), 'StreamSpecification') as { StreamViewType: string } | undefined;
      expect(table?.StreamSpecification?.StreamViewType).toBe(stream?.StreamViewType);
      expect(table?.BillingModeSummary?.BillingMode).toBe('PAY_PER_REQUEST');
      expect(ttl).toEqual({ AttributeName: 'expiresAt', TimeToLiveStatus: 'ENABLED' });
      expect(backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus).toBe('ENABLED');
    },
  );
});

it('a limit is leased, refused and read as in memory', async () => {
  const limits = await makeTable(client, template, 'Tables/Limits');
  const nowMs = Date.UTC(2026, 5, 1, 12);
  const rate = { perSecond: 0.3, burst: 2 };
  const leaseAt = (ms: number, seenMs?: number) =>
    leaseFromTable(limits)({
      key: 'partner#a',
      rate,
      needed: 1,
      slots: 1,
      alone: false,
      ahead: false,
      now: () => nowMs + ms,
      seenMs,
      crowded: false,
    });

  const first = await leaseAt(0);
  expect(first).toMatchObject({ fromMs: expect.closeTo(nowMs - 2000 / 0.3, 1) as number, crowded: false });
  const second = await leaseAt(1);
  expect(second).toMatchObject({ fromMs: first.takenUntilMs, takenUntilMs: expect.closeTo(nowMs, 1) as number });
  expect(await leaseAt(2, first.takenUntilMs)).toEqual({ takenUntilMs: second.takenUntilMs, crowded: true });
  expect(await leaseAt(4000, second.takenUntilMs)).toMatchObject({ fromMs: second.takenUntilMs });
});

it('a missing table makes the gateway unavailable', async () => {
  await expect(getGrant({ client, name: 'no-such-table' }, 'grant-1')).rejects.toMatchObject({
    status: 503,
    detail: 'dynamodb: ResourceNotFoundException',
  });
});
