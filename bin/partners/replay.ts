import { readFile } from 'node:fs/promises';
import {
  GetDurableExecutionCommand,
  paginateListDurableExecutionsByFunction,
  type Execution,
} from '@aws-sdk/client-lambda';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { eventIdLength, eventIdPrefix, type PartnerEvent } from '../../functions/shared/events/event.ts';
import { Refusal } from '../shared/errors.ts';
import { readStage } from '../shared/stage-flags.ts';
import { readSince } from '../shared/times.ts';
import type { ReplayCommand } from './flags.ts';
import { findDeliver, withEvents, type OpenEvents } from './open-events.ts';
import { startDelivery, type WebhookDeps } from './webhook.ts';

/** The deliveries of one event: the first, and its replays. */
interface Deliveries {
  readonly id: string;
  readonly executions: readonly Execution[];
}

/** The longest that a delivery can run, in seconds: `executionTimeout` in lib/events.ts. */
const longestDeliverySeconds = 5 * 86_400;

/** Whether a delivery ran at this time or later. */
const ranSince = ({ EndTimestamp }: Execution, sinceSeconds: number): boolean =>
  EndTimestamp === undefined || EndTimestamp.getTime() >= sinceSeconds * 1000;

/**
 * The partner's deliveries that ran since a time, even if they began earlier, oldest event first. The event id in an
 * execution's name tells whose it is.
 */
const findDeliveries = async (
  { lambda, partner }: OpenEvents,
  deliver: string,
  { sinceSeconds, event }: { readonly sinceSeconds: number; readonly event: string | undefined },
): Promise<Deliveries[]> => {
  const found = new Map<string, Execution[]>();
  const pages = paginateListDurableExecutionsByFunction(
    { client: lambda },
    {
      // Without its version, since older versions delivered too.
      FunctionName: deliver.replace(/:[^:]*$/, ''),
      StartedAfter: new Date((sinceSeconds - longestDeliverySeconds) * 1000),
      ReverseOrder: true,
      MaxItems: 1000,
    },
  );
  for await (const { DurableExecutions = [] } of pages) {
    for (const execution of DurableExecutions) {
      const name = execution.DurableExecutionName ?? '';
      const id = name.slice(0, eventIdLength);
      const isWanted = event === undefined ? name.startsWith(eventIdPrefix(partner.clientId)) : id === event;
      if (isWanted) found.set(id, [...(found.get(id) ?? []), execution]);
    }
  }
  return [...found]
    .filter(([, executions]) => executions.some((execution) => ranSince(execution, sinceSeconds)))
    .map(([id, executions]) => ({ id, executions }));
};

interface Looked {
  readonly event: PartnerEvent | undefined;
  /** Undefined if the execution has no result. */
  readonly outcome: string | undefined;
}

const look = async ({ lambda }: OpenEvents, { DurableExecutionArn }: Execution): Promise<Looked> => {
  const { InputPayload, Result } = await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }));
  const { outcome } = JSON.parse(Result ?? '{}') as { readonly outcome?: string };
  return { event: InputPayload === undefined ? undefined : (JSON.parse(InputPayload) as PartnerEvent), outcome };
};

/** The event, unless it was delivered or still may be. Test events are never sent again. */
const undelivered = async (open: OpenEvents, { executions }: Deliveries): Promise<PartnerEvent | undefined> => {
  if (executions.some(({ Status }) => Status === 'RUNNING')) return undefined;
  const looked: Looked[] = [];
  for (const execution of executions) looked.push(await look(open, execution));
  const event = looked.find((one) => one.event !== undefined)?.event;
  return event?.type === 'webhook.test' || looked.some(({ outcome }) => outcome === 'delivered') ? undefined : event;
};

/** @throws Refusal if it does not exist, or is another partner's */
const namedEvent = async (open: OpenEvents, [deliveries]: readonly Deliveries[], id: string): Promise<PartnerEvent> => {
  const [execution] = deliveries?.executions ?? [];
  const event = execution === undefined ? undefined : (await look(open, execution)).event;
  if (event?.partner === open.partner.clientId) return event;
  throw new Refusal(`${open.partner.called} has no event ${id}; deliveries are kept for 30 days`);
};

/**
 * The partner's events in a file of one event a line, which may come more than once.
 * @throws Refusal if it cannot be read
 */
const eventsIn = async (file: string, clientId: string): Promise<PartnerEvent[]> => {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  if (lines.length === 0) throw new Refusal(`${file} has no events; write it again: docs/alarms.md#events-given-up`);
  const found = new Map<string, PartnerEvent>();
  for (const [index, line] of lines.entries()) {
    const event = parseOrUndefined(line);
    if (event === undefined) throw new Refusal(`Line ${index + 1} of ${file} is no event of a partner`);
    if (event.partner === clientId && event.type !== 'webhook.test') found.set(event.id, event);
  }
  return [...found.values()];
};

const parseOrUndefined = (line: string): PartnerEvent | undefined => {
  try {
    const event = JSON.parse(line) as PartnerEvent;
    const isOfPartner = event.id.length === eventIdLength && event.id.startsWith(eventIdPrefix(event.partner));
    return isOfPartner ? event : undefined;
  } catch {
    return undefined;
  }
};

/** The events that were not delivered and no longer will be. Most of them never had an execution. */
const neverDelivered = async (
  open: OpenEvents,
  events: readonly PartnerEvent[],
  all: readonly Deliveries[],
): Promise<PartnerEvent[]> => {
  const left: PartnerEvent[] = [];
  for (const event of events) {
    const deliveries = all.find(({ id }) => id === event.id);
    if (deliveries === undefined || (await undelivered(open, deliveries)) !== undefined) left.push(event);
  }
  return left;
};

const givenUp = async (open: OpenEvents, all: readonly Deliveries[]): Promise<PartnerEvent[]> => {
  const events: PartnerEvent[] = [];
  for (const deliveries of all) {
    const event = await undelivered(open, deliveries);
    if (event !== undefined) events.push(event);
  }
  return events;
};

const wantedEvents = async (
  open: OpenEvents,
  { event, from }: ReplayCommand,
  all: readonly Deliveries[],
): Promise<PartnerEvent[]> => {
  if (event !== undefined) return [await namedEvent(open, all, event)];
  if (from === undefined) return givenUp(open, all);
  return neverDelivered(open, await eventsIn(from, open.partner.clientId), all);
};

const lineOf = ({ id, type, timestamp, data }: PartnerEvent): string =>
  [id, timestamp, type, data.export ?? data.grant].filter(Boolean).join('  ');

/**
 * Sends a partner's events again: one event from the history of deliveries, all that were given up since a time, or those in
 * a file, which Lambda gave up before they had a history.
 * They keep their `webhook-id`, so that the receiver can recognize repeats.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const runReplay = async (command: ReplayCommand, deps: WebhookDeps): Promise<number> => {
  const { nowMs, output, environment } = deps;
  const sinceSeconds = readSince(command.since ?? '30d', nowMs);
  const config = await readStage(command);
  return withEvents(config, command.nameOrId, environment, async (open) => {
    const { called, webhook, isBlocked } = open.partner;
    if (webhook === undefined)
      throw new Refusal(`The entry of ${called} has no webhook, so there is nowhere to send to`);
    if (isBlocked) throw new Refusal(`${called} is blocked, so it gets no events`);
    const deliver = await findDeliver(open);
    const all = await findDeliveries(open, deliver, { sinceSeconds, event: command.event });
    const events = await wantedEvents(open, command, all);
    for (const event of events.toSorted((a, b) => compareTexts(a.timestamp, b.timestamp))) {
      if (!command.dryRun) await startDelivery(open, deliver, event, `${event.id}-${Math.floor(nowMs / 1000)}`);
      output.out(lineOf(event));
    }
    const count = `${events.length} ${events.length === 1 ? 'event' : 'events'}`;
    output.note(
      command.dryRun
        ? `Would send ${count} to ${called} again. Nothing was sent.`
        : `Sending ${count} to ${called} again, with the same ids and as often as the first time.`,
    );
    return 0;
  });
};
