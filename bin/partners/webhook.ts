import { setTimeout as after } from 'node:timers/promises';
import { GetDurableExecutionCommand, InvokeCommand, type GetDurableExecutionResponse } from '@aws-sdk/client-lambda';
import { makeEvent, type PartnerEvent } from '../../functions/shared/events/event.ts';
import { instant } from '../../functions/shared/instant.ts';
import { disabledSince, enableWebhook } from '../../functions/shared/store/webhooks.ts';
import { Refusal } from '../shared/errors.ts';
import { findTable } from '../shared/find-table.ts';
import type { Wait } from '../shared/patience.ts';
import { readStage, stageApply, stageAsFlag } from '../shared/stage-flags.ts';
import type { WebhookCommand } from './flags.ts';
import { findDeliver, withEvents, type OpenEvents } from './open-events.ts';
import { changeWebhookSecret, type WebhookSecretDeps } from './webhook-secret.ts';

/** Dependencies of the commands about webhooks. */
export interface WebhookDeps extends WebhookSecretDeps {
  readonly nowMs: number;
  /** @default real time */
  readonly wait?: Wait | undefined;
}

/** Starts a delivery, and returns its execution. @throws whatever Lambda throws */
export const startDelivery = async (
  { lambda }: Pick<OpenEvents, 'lambda'>,
  deliver: string,
  event: PartnerEvent,
  name: string,
): Promise<string> => {
  const { DurableExecutionArn: arn = '' } = await lambda.send(
    new InvokeCommand({
      FunctionName: deliver,
      InvocationType: 'Event',
      DurableExecutionName: name,
      Payload: Buffer.from(JSON.stringify(event)),
    }),
  );
  return arn;
};

/** How long to wait for the result. A post takes 15 seconds at most. */
const testSeconds = 60;

const outcomes: Readonly<Record<string, string>> = {
  gone: 'answered 410, which disables it: it gets no events until you enable it',
  disabled: 'is disabled since it answered 410; enable it first: --enable',
  partnerBlocked: 'gets nothing, since the partner is blocked',
  partnerRemoved: 'gets nothing, since the partner was removed',
  noWebhook: 'gets nothing, since the entry has no webhook',
};

/** @throws Refusal if the receiver did not accept the event */
const tellOutcome = ({ Status, Result = '{}', Error: error }: GetDurableExecutionResponse, called: string): string => {
  if (Status !== 'SUCCEEDED') {
    throw new Refusal(
      `The webhook of ${called} did not take the test event. ${error?.ErrorMessage ?? `It is ${Status}`}`,
    );
  }
  const { outcome = '', detail = '' } = JSON.parse(Result) as { readonly outcome?: string; readonly detail?: string };
  if (outcome === 'failed') throw new Refusal(`The webhook of ${called} did not take the test event: ${detail}`);
  if (outcome === 'delivered') return `The webhook of ${called} took the test event.`;
  throw new Refusal(`The webhook of ${called} ${outcomes[outcome] ?? outcome}.`);
};

const testWebhook = async (
  open: OpenEvents,
  { dryRun, ...named }: WebhookCommand,
  deps: WebhookDeps,
): Promise<number> => {
  const { partner, lambda, config } = open;
  const { called, clientId, webhook, isBlocked } = partner;
  if (webhook === undefined) {
    throw new Refusal(`The entry of ${called} has no webhook; write one into it, and ${stageApply(named, config)}`);
  }
  if (isBlocked) throw new Refusal(`${called} is blocked, so it gets no events`);
  const deliver = await findDeliver(open);
  if (dryRun) {
    deps.output.out(`Would send a test event to ${new URL(webhook).origin}. Nothing was sent.`);
    return 0;
  }
  const event = makeEvent('webhook.test', { partner: clientId, atSeconds: Math.floor(deps.nowMs / 1000), data: {} });
  const arn = await startDelivery(open, deliver, event, event.id);
  for (let seconds = 0; seconds < testSeconds; seconds += 1) {
    const execution = await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }));
    if (execution.Status !== 'RUNNING') {
      deps.output.out(tellOutcome(execution, called));
      return 0;
    }
    await (deps.wait ?? after)(1000);
  }
  throw new Refusal(
    `It is not known yet whether the webhook of ${called} takes events; look for ${event.id} in the log`,
  );
};

const enable = async (
  open: OpenEvents,
  { dryRun, ...named }: WebhookCommand,
  { output }: WebhookDeps,
): Promise<number> => {
  const { partner, dynamo, config } = open;
  const table = { client: dynamo, name: await findTable(dynamo, config.stage, 'Limits') };
  const since = await disabledSince(table, partner.clientId);
  if (since === undefined) {
    output.out(`The webhook of ${partner.called} is not disabled. Nothing was changed.`);
    return 0;
  }
  const before = `It was disabled since ${instant(since)}, when it answered 410.`;
  if (dryRun) {
    output.out(`Would enable the webhook of ${partner.called}. ${before} Nothing was changed.`);
    return 0;
  }
  await enableWebhook(table, partner.clientId);
  output.out(
    [
      `Enabled the webhook of ${partner.called}. ${before}`,
      `Send what it missed: npm run partners -- replay ${partner.clientId} --since ${instant(since)}${stageAsFlag(named)}`,
    ].join('\n'),
  );
  return 0;
};

/**
 * Makes or changes a partner's webhook secret, sends a test event, or enables the webhook again.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const runWebhook = async (command: WebhookCommand, deps: WebhookDeps): Promise<number> => {
  const config = await readStage(command);
  return withEvents(config, command.nameOrId, deps.environment, async (open) => {
    const { action } = command;
    if (action === 'test') return testWebhook(open, command, deps);
    if (action === 'enable') return enable(open, command, deps);
    return changeWebhookSecret(open, { ...command, action }, deps);
  });
};
