import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBRecord } from 'aws-lambda';
import { members } from '../../bin/members/members.ts';
import { localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { auditHandler } from '../../functions/audit/handler.ts';
import { auditAsked, auditCame, type AuditedMember } from '../../functions/shared/exchanges/audit-exchange.ts';
import { exchangeOwner } from '../../functions/shared/store/exchange-items.ts';
import { putGrant, redeem } from '../../functions/shared/store/grants.ts';
import { noteMade } from '../../functions/shared/store/groups.ts';
import { makeMemberIndex } from '../../functions/shared/store/make-member-index.ts';
import { putReadEvent } from '../../functions/shared/store/put-read-event.ts';
import type { ReadEvent } from '../../functions/shared/store/read-events.ts';
import { atOwnTime } from '../functions/audit/records.ts';
import { startMs } from '../support/gateway.ts';
import { livingGrant, type NewGrant } from '../support/living-grant.ts';
import { putGroup } from '../support/put-group.ts';
import { exchangesTable, listening, tableOf, toolStage } from './tool-stage.ts';

export const operator = 'arn:aws:iam::000000000000:user/operator';
export const member = { payer: 'northwind', patient: 'patient-4711' } as const;

const keyId = 'alias/p2p-local-member-index';
const bucket = 'p2p-gateway-local-auditbucket-1';

const tables = {
  registry: tableOf('Registry'),
  grants: tableOf('Grants', {
    attributeDefinitions: [
      { AttributeName: 'grantId', AttributeType: 'S' },
      { AttributeName: 'memberIndex', AttributeType: 'S' },
    ],
    indexes: [
      {
        IndexName: 'Member',
        KeySchema: [{ AttributeName: 'memberIndex', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
    stream: { arn: 'grants', viewType: 'NEW_AND_OLD_IMAGES' },
  }),
  auditEvents: tableOf('AuditEvents', { stream: { arn: 'reads', viewType: 'NEW_IMAGE' } }),
  exports: tableOf('Exports'),
  exchanges: exchangesTable,
};

/** How a test changes the way the tool is run. */
export interface RunOptions {
  /** Answers of the person at the terminal, in order, or what gives one. @default no terminal */
  readonly answers?: readonly (string | (() => Promise<string>))[];
  /** What is piped in. @default nothing */
  readonly piped?: string;
  /** Called each time the tool waits. */
  readonly onWait?: () => Promise<void>;
}

/** A stage's tables, key and audit in stand-ins for AWS, the audit function, and the tool. */
export const membersTool = async (stage: StageConfig = localStage()) => {
  const records: { to: (record: DynamoDBRecord) => void } = { to: () => {} };
  const base = await toolStage(Object.values(tables), (record) => records.to(record));
  const { aws, settings, client } = base;
  const [kms, s3] = [new KMSClient(settings), new S3Client(settings)];
  const folder = await mkdtemp(join(tmpdir(), 'members-'));
  aws.kms.createKey('arn:aws:kms:us-east-1:000000000000:key/member-index', [keyId], 'HMAC_256');
  aws.s3.createBucket(bucket);
  const auditLines: string[] = [];
  const handle = auditHandler({
    clock: { now: () => startMs },
    stage: 'local',
    bucket: { client: s3, name: bucket },
    table: base.table('AuditEvents'),
    writeLog: (line) => void auditLines.push(line),
  });
  let audited = Promise.resolve();
  records.to = (record) => {
    audited = audited.then(() => handle({ Records: [atOwnTime(record)] }, { awsRequestId: 'audit-1' }));
  };
  const [grants, auditEvents] = [base.table('Grants'), base.table('AuditEvents')];
  await base.fill(stage);

  let made = 0;
  /** Makes a grant as the callback does, of {@link member} and an hour old, and redeems its code. */
  const grant = async (
    change: Partial<NewGrant> = {},
    { indexed = true, redeemed = true, at = startMs / 1000 - 3600 } = {},
  ): Promise<string> => {
    made += 1;
    const grantId = change.grantId ?? `grant-${String(made).padStart(16, '0')}`;
    const patient = 'patient' in change ? change.patient : member.patient;
    const whole = livingGrant(at, { patient: member.patient, endsAt: at + 180 * 86_400, ...change, grantId });
    const memberIndex =
      indexed && patient !== undefined ? await makeMemberIndex(kms, keyId, { payer: whole.payer, patient }) : undefined;
    const { patient: _, ...without } = whole;
    const stored = { ...(patient === undefined ? without : whole), expiresAt: at + 60, memberIndex };
    await putGrant(grants, stored, { now: at, requestId: `login-${grantId}` });
    const issue = {
      access: { hash: 'access', expiresAt: at + 3600, scope: whole.scope },
      refreshHash: 'refresh',
      familyHash: 'family',
    };
    if (redeemed) await redeem(grants, stored, issue, { now: at, requestId: `redeem-${grantId}` });
    return grantId;
  };

  let reads = 0;
  /** Writes the audit's events of a read. */
  const read = async (
    grantId: string,
    {
      end = { status: 200, bytes: 1234 },
      opened = true,
      ...change
    }: Partial<Omit<ReadEvent, 'end'>> & {
      end?: ReadEvent['end'] | null;
      opened?: boolean;
    } = {},
  ): Promise<void> => {
    reads += 1;
    const event = {
      atMs: startMs - 1_800_000 + reads * 1000,
      requestId: `request-${reads}`,
      grantId,
      partner: 'demo-app',
      payer: member.payer,
      patient: member.patient,
      interaction: 'search-type Observation',
      ...change,
    };
    if (opened) await putReadEvent(auditEvents, { ...event, type: 'opened' });
    if (end !== null) await putReadEvent(auditEvents, { ...event, type: 'ended', atMs: event.atMs + 200, end });
  };

  const exchanges = base.table('Exchanges');
  /** Writes the audit's events of an exchange, as the kick-off and the job do; of a match also its Group. */
  const exchange = async (
    exchangeKind: 'match' | 'group',
    whom: readonly AuditedMember[],
    {
      exportId = `${exchangeKind}-exchange`,
      group = 'group-1',
      isReady = true,
      laterEnd = '',
      startedAfter = 0,
      hasEnded = true,
    } = {},
  ): Promise<void> => {
    const known = {
      exportId,
      exchange: exchangeKind,
      partner: 'demo-app',
      payer: member.payer,
      requestId: `${exportId}-request`,
    };
    const deps = { audit: auditEvents, clock: { now: () => startMs - 60_000 } };
    const asked = whom.map(({ submitted = '', consent = { id: '', hash: '' }, reference }) => ({
      submitted,
      consent,
      outcome: 'asked',
      ...(exchangeKind === 'group' && reference !== undefined && { reference }),
    }));
    await auditAsked(deps, exchangeKind === 'group' ? { ...known, group } : known, asked);
    if (!hasEnded) return;
    await auditCame(deps, exchangeKind === 'group' ? { ...known, group } : known, {
      status: 'completed',
      members: whom,
    });
    if (laterEnd !== '') {
      const later = { ...deps, clock: { now: () => startMs - 30_000 } };
      await auditCame(later, known, {
        status: 'failed',
        members: asked.map((one) => Object.assign({}, one, { outcome: laterEnd })),
      });
    }
    if (exchangeKind === 'group') return;
    const now = startMs / 1000;
    const owner = exchangeOwner(known);
    const createdAt = now + startedAfter;
    await noteMade(exchanges, { owner, id: group, exportId, createdAt, expiresAt: now + 3600 });
    if (!isReady) return;
    await putGroup(exchanges, {
      owner,
      id: group,
      code: 'match',
      members: whom.length,
      key: new Uint8Array([1]),
      exportId,
      createdAt,
      expiresAt: now + 86_400,
      body: new Uint8Array([1]),
    });
  };

  const run = async (words: string, { answers, piped = '', onWait }: RunOptions = {}) => {
    await audited;
    const { out, told, asked, output, ask } = listening(answers);
    const args = words.split(' ').filter(Boolean);
    const code = await members(args, {
      now: () => startMs,
      environment: { AWS_ENDPOINT_URL: aws.url },
      output,
      ask,
      readText: async () => piped,
      wait: async () => onWait?.(),
      terminal: undefined,
    });
    await audited;
    return { code, out: out.join('\n'), told: told.join('\n'), asked };
  };

  return {
    client,
    grants,
    auditEvents,
    grant,
    read,
    exchange,
    exchanges,
    run,
    folder,
    /** Answers calls of the tool in place of AWS. */
    answer: aws.answer,
    audited: () => audited,
    /** The names of the audit's objects. */
    objects: async (prefix = ''): Promise<string[]> => {
      await audited;
      const { Contents: contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
      return contents.map(({ Key: key = '' }) => key);
    },
    auditLines,
    calls: aws.log.calls,
    disableKey: () => aws.kms.disable('arn:aws:kms:us-east-1:000000000000:key/member-index'),
    close: async () => {
      await audited;
      for (const each of [kms, s3]) each.destroy();
      await base.close();
      await rm(folder, { recursive: true });
    },
  };
};

export type MembersTool = Awaited<ReturnType<typeof membersTool>>;
