import { UsageError, type StageFlags } from '../shared/command-line.ts';
import { durationIn, instantIn } from '../shared/times.ts';

/** What to do about a partner's webhook. */
export interface WebhookCommand {
  readonly command: 'webhook';
  readonly nameOrId: string;
  readonly action: 'make' | 'rotate' | 'replace' | 'finish' | 'test' | 'enable';
  readonly dryRun: boolean;
  readonly stage: StageFlags;
}

/** Which events to send again. */
export interface ReplayCommand {
  readonly command: 'replay';
  readonly nameOrId: string;
  /** One event, delivered or not; otherwise all that were not delivered. */
  readonly event: string | undefined;
  readonly since: string | undefined;
  readonly dryRun: boolean;
  readonly stage: StageFlags;
}

/** The flags of both commands. */
export const webhookFlags = {
  rotate: { type: 'boolean' },
  finish: { type: 'boolean' },
  test: { type: 'boolean' },
  enable: { type: 'boolean' },
  event: { type: 'string' },
  since: { type: 'string' },
} as const;

/** Their values, with those that other commands have too. */
type Values = { readonly [K in 'rotate' | 'finish' | 'test' | 'enable' | 'leaked']?: boolean | undefined };

/** @throws UsageError if the flags ask for two things */
export const webhookActionIn = (values: Values): WebhookCommand['action'] => {
  const { leaked = false } = values;
  const [action, other] = (['rotate', 'finish', 'test', 'enable'] as const).filter((name) => values[name] === true);
  if (other !== undefined) throw new UsageError(`Give --${action} or --${other}, not both`);
  if (leaked && action !== 'rotate') throw new UsageError('--leaked goes with --rotate');
  return leaked ? 'replace' : (action ?? 'make');
};

/** How long the history of deliveries is kept, in seconds. */
const historySeconds = 30 * 86_400;

/**
 * Reads the time from which events are sent again: a time with its zone (ISO 8601), or how long ago.
 * @returns epoch seconds
 * @throws UsageError
 */
export const readSince = (text: string, nowMs: number): number => {
  const now = Math.floor(nowMs / 1000);
  const duration = durationIn(text.trim());
  const since = duration === undefined ? instantIn(text.trim()) : now - duration;
  if (since === undefined) {
    throw new UsageError(
      '--since cannot be read as a duration or as a time with its zone; write one, such as 2h, 3d or 2026-11-27T06:00Z',
    );
  }
  if (since > now) throw new UsageError('--since is in the future');
  if (now - since > historySeconds)
    throw new UsageError('--since is over 30 days ago; deliveries are kept for 30 days');
  return since;
};
