import { DurableExecutionAlreadyStartedException, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { DynamoDBRecord } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { followUpHandler } from '../../../functions/follow-up/handler.ts';
import type { PartnerEvent } from '../../../functions/shared/events/event.ts';
import { entryIds } from '../../../functions/shared/registry/entry-items.ts';
import { exportAttributes, grantAttributes, type ValuesOf } from '../../../functions/shared/store/attributes.ts';
import { writeItem, type Item } from '../../../functions/shared/store/items.ts';
import { localData, startMs, testDeps } from '../../support/gateway.ts';

const now = startMs / 1000;

/** A started execution: its function, name and input. */
export interface Started {
  readonly function: string;
  readonly name: string;
  readonly input: unknown;
}

const webhook = 'https://app.example.org/hook';

/** Runs follow-up with a Lambda in memory that starts each name only once, as AWS does. */
export const followUp = () => {
  const data = localData();
  const world = testDeps({
    registry: {
      ...data,
      partners: data.partners.map((partner) =>
        partner.clientId === 'third-party-app' ? partner : Object.assign({}, partner, { webhook }),
      ),
    },
  });
  const lambda = new LambdaClient({ region: 'eu-central-1' });
  const started = new Map<string, Started>();
  const failures: { readonly name: RegExp; readonly error: Error }[] = [];
  let invocations = 0;
  const failIfTold = (name: string): void => {
    const at = failures.findIndex((failure) => failure.name.test(name));
    const [failure] = at < 0 ? [] : failures.splice(at, 1);
    if (failure !== undefined) throw failure.error;
  };
  mockClient(lambda)
    .on(InvokeCommand)
    .callsFake(async ({ FunctionName, InvocationType, DurableExecutionName: name, Payload }) => {
      invocations += 1;
      if (InvocationType !== 'Event' || !/^[\w-]{1,64}$/.test(name)) throw new Error('no such invocation');
      failIfTold(name);
      const start = { function: FunctionName, name, input: JSON.parse(Buffer.from(Payload).toString()) as unknown };
      const before = started.get(name);
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(start)) {
        throw new DurableExecutionAlreadyStartedException({ message: 'started', $metadata: {} });
      }
      started.set(name, start);
      return { StatusCode: 202 };
    });
  const handle = followUpHandler({
    ...world.deps,
    stage: 'local',
    lambda,
    exports: { client: world.dynamo.client, name: 'Exports' },
    functions: { exportJob: 'job:1', sweep: 'sweep:1', deliver: 'deliver:1' },
  });
  return {
    ...world,
    handle: (...Records: DynamoDBRecord[]) => handle({ Records }),
    started,
    invocations: () => invocations,
    /** Makes the next call whose name matches fail. */
    failNext: (name: RegExp, error: Error) => void failures.push({ name, error }),
    /** Started executions of one function, in order. */
    of: (name: string): Started[] => [...started.values()].filter((start) => start.function === name),
    events: (): PartnerEvent[] =>
      [...started.values()].flatMap(({ function: name, input }) =>
        name === 'deliver:1' ? [input as PartnerEvent] : [],
      ),
    block: (clientId: string) =>
      world.stops.set(entryIds.partner(clientId), { at: now, by: 'operator', reason: 'test' }),
    log: () => world.lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};

export const grantId = 'G'.repeat(22);
export const exportId = `${grantId}${'x'.repeat(22)}`;
export const otherExportId = `${grantId}${'y'.repeat(22)}`;

/** An item of Grants. */
export const grantItem = (change: ValuesOf<typeof grantAttributes> = {}): Item =>
  writeItem(grantAttributes, {
    grantId,
    payer: 'northwind',
    partner: 'demo-app',
    scope: 'patient/*.rs',
    redeemedAt: now,
    endsAt: now + 1000,
    expiresAt: now + 1000,
    lastEvent: { type: 'redeemed', at: now, requestId: 'request-1' },
    ...change,
  });

/** An item of Exports, running. */
export const exportItem = (change: ValuesOf<typeof exportAttributes> = {}): Item =>
  writeItem(exportAttributes, {
    grantId,
    exportId,
    payer: 'northwind',
    partner: 'demo-app',
    patient: 'patient-1',
    status: 'running',
    startedAt: now,
    expiresAt: now + 1000,
    payerVersion: 1,
    resources: 0,
    ...change,
  });

export { now };
