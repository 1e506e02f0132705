import { setTimeout as delay } from 'node:timers/promises';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import type { Context } from 'aws-lambda';
import { partners } from '../../bin/partners/partners.ts';
import { startDelivery } from '../../bin/partners/webhook.ts';
import { localStage } from '../../config/local.ts';
import { deliverHandler } from '../../functions/deliver/handler.ts';
import type { SignedRequest } from '../../functions/deliver/sign.ts';
import { makeEvent, type PartnerEvent } from '../../functions/shared/events/event.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import { startMs } from '../support/gateway.ts';
import { listening, tableOf, toolStage } from './tool-stage.ts';

/** Stage local in stand-ins for AWS, the real `deliver` in this process, a receiver, and the tool. */
export const webhookTool = async () => {
  const base = await toolStage([tableOf('Registry'), tableOf('Limits')]);
  const { aws, settings, client: dynamo } = base;
  const lambda = new LambdaClient(settings);
  const secrets = new SecretsManagerClient(settings);
  await base.fill();

  const posted: SignedRequest[] = [];
  const receiver = { status: 200 };
  const clock = { now: Date.now, monotonic: () => performance.now() };
  const writeLog = (): void => {};
  const run = async (_version: unknown, event: object): Promise<unknown> => {
    const { lifetimes } = localStage();
    const registry = tableRegistry({
      table: base.table('Registry'),
      clock,
      writeLog,
      stage: 'local',
      lifetimes,
    });
    const handler = deliverHandler({
      clock,
      writeLog,
      registry,
      randomBytes: (size) => new Uint8Array(size),
      limits: base.table('Limits'),
      secrets: { client: secrets, prefix: 'p2p/local/webhooks/' },
      post: async (_url, request) => {
        posted.push(request);
        return receiver.status;
      },
    });
    const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 60_000 } as Context;
    const wrapped = withDurableExecution(handler, { client: lambda });
    return wrapped(event as Parameters<typeof wrapped>[0], context);
  };
  const spec = {
    name: 'deliver',
    physicalName: 'Deliver',
    environment: {},
    // The tests set the clock far forward, so nothing may time out or be deleted.
    durable: { executionTimeoutSeconds: 1e9, retentionDays: 36_500 },
  };
  const deliver = aws.lambda.publish(
    ...([spec, { run, kill: () => {}, close: async () => {} }] as unknown as Parameters<typeof aws.lambda.publish>),
  );
  aws.lambda.show({ physicalName: 'OtherStage', environment: { STAGE: 'other', DELIVER: 'other:1' } });
  aws.lambda.show({ physicalName: 'FollowUp', environment: { STAGE: 'local', DELIVER: deliver } });

  const tool = async (args: readonly string[], { nowMs = startMs, random = 7, at = ['--stage', 'local'] } = {}) => {
    const { out, told: notes, shown, output } = listening();
    const code = await partners([...args, ...at], {
      environment: { AWS_ENDPOINT_URL: aws.url },
      output,
      nowMs,
      randomBytes: (size) => new Uint8Array(size).fill(random),
      wait: () => delay(20),
    });
    return { code, out: out.join('\n'), notes: notes.join('\n'), secret: shown.join('\n') };
  };

  /** Starts the delivery of an event, as `follow-up` does. */
  const deliverEvent = async (at: number, partner = 'demo-partner'): Promise<PartnerEvent> => {
    const event = makeEvent('export.completed', {
      partner,
      atSeconds: startMs / 1000 + at,
      data: { grant: 'grant-1', export: `export-${at}`, payer: 'northwind' },
    });
    await startDelivery({ lambda }, deliver, event, event.id);
    return event;
  };

  /** Sets the clock forward until all deliveries have ended, by this much whenever all of them wait. */
  const settle = async (stepMs = 86_400_000 * 1.2): Promise<void> => {
    for (;;) {
      const executions = aws.lambda.engine.all().filter(({ status }) => status === 'RUNNING');
      if (executions.length === 0) return;
      if (executions.every(({ isRunning }) => !isRunning)) aws.lambda.passTime(stepMs);
      await delay(10);
    }
  };

  return {
    aws,
    dynamo,
    secrets,
    posted,
    receiver,
    tool,
    webhook: (...args: string[]) => tool(['webhook', ...args]),
    deliverEvent,
    settle,
    ids: (): string[] => posted.map(({ headers }) => headers['webhook-id'] ?? ''),
    close: async () => {
      for (const client of [lambda, secrets]) client.destroy();
      await base.close();
    },
  };
};

export type WebhookTool = Awaited<ReturnType<typeof webhookTool>>;
