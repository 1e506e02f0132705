import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';
import { gatewayOver } from '../gateway.ts';
import { measure, oneAfterAnother, timed, type Candidate, type Measured, type Round } from '../measure.ts';
import { atMost, figure, inWords, ratios, rowsOf, seriesOf } from '../report.ts';
import { reading } from '../requests.ts';
import { spreadOf, type Spread } from '../statistics.ts';
import { makeTables, type World } from '../world.ts';
import { requestPlan } from './request-step.ts';
import type { Step } from './step.ts';

/** Milliseconds before the payer answers: the least that a real payer takes, and none. */
const realMs = 20;
const noMs = 0;

/**
 * Where a read's time ends: at the first byte, which a partner waits for, or at the last, which frees the connection.
 */
const ends = ['first byte', 'last byte'] as const;

interface Read {
  readonly audited: boolean;
  readonly payerMs: number;
  readonly end: (typeof ends)[number];
}

const nameOf = ({ audited, payerMs, end }: Read): string =>
  `${audited ? 'audited' : 'not audited'}, payer ${payerMs} ms, ${end}`;

/** A client whose writes of audit events succeed at once, without a call. */
const notWriting = (client: DynamoDBClient, table: string): DynamoDBClient => {
  const send = async (command: { input: { TableName?: string } }, ...more: unknown[]): Promise<unknown> =>
    command.input.TableName === table ? {} : client.send(command as never, ...(more as []));
  return Object.assign(Object.create(client) as DynamoDBClient, { send });
};

/** Reads of a patient, one after another. */
const startReads = async ({ registry }: World, read: Read): Promise<Round> => {
  const { audited, payerMs, end } = read;
  const tables = await makeTables(nameOf(read).replaceAll(/[^a-z0-9]+/g, '-'));
  const client = dynamoClient();
  let firstByteAt: number | undefined;
  const gateway = gatewayOver({
    tables,
    registry,
    client: audited ? client : notWriting(client, tables.auditEvents),
    payerHttp: async (input, init) => {
      if (payerMs > 0 && String(input).includes('/Patient/')) await sleep(payerMs);
      return fetch(input, init);
    },
    onWrite: () => (firstByteAt ??= performance.now()),
  });
  const prepare = oneAfterAnother(reading(gateway));
  return async (operations) => {
    const sends = await prepare(operations);
    let wallMs = 0;
    const { cpuMs } = await timed(async () => {
      for (const send of sends) {
        firstByteAt = undefined;
        const startedAt = performance.now();
        await send();
        wallMs += (end === 'first byte' ? (firstByteAt ?? Number.NaN) : performance.now()) - startedAt;
      }
    });
    return { wallMs: wallMs / operations, cpuMs: cpuMs / operations };
  };
};

/** How much longer a read takes with auditing. */
const ratioOf = (measured: Measured, payerMs: number, end: Read['end']): Spread => {
  const series = (audited: boolean) => seriesOf(measured, nameOf({ audited, payerMs, end }));
  return spreadOf(ratios(series(true), series(false), 'wallMs'));
};

/** What auditing adds to a read: one write in parallel with the payer's call, and one after the last byte. */
export const auditedRead: Step = {
  name: 'audit',
  run: async (world) => {
    const reads = [noMs, realMs].flatMap((payerMs) =>
      ends.flatMap((end) => [true, false].map((audited): Read => ({ audited, payerMs, end }))),
    );
    const candidates = reads.map((read): Candidate => ({
      name: nameOf(read),
      kind: 'ours',
      of: read.audited ? undefined : nameOf({ ...read, audited: true }),
      start: () => startReads(world, read),
    }));
    const plan = requestPlan(world);
    // Both are called alike, and a payer that takes its time makes each call long.
    const warmUpOperations = Math.min(plan.warmUpOperations, 120);
    const measured = await measure(candidates, { ...plan, warmUpOperations });
    return {
      name: 'audit',
      what: 'a Patient of 2 KB, with the two events written and without',
      plan: measured.plan,
      rows: rowsOf(measured),
      missing: measured.missing,
      budgets: ends.map((end) => {
        const wall = ratioOf(measured, realMs, end);
        const name = `with audit to without, payer ${realMs} ms, ${end}`;
        return atMost({ name, value: wall.median, limit: 1.1, unit: ' ×', detail: inWords(wall) });
      }),
      figures: ends.map((end) =>
        figure(`with audit to without, payer ${noMs} ms, ${end}`, ratioOf(measured, noMs, end)),
      ),
      notes: [],
    };
  },
};
