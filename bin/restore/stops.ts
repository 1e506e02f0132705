import { instant } from '../../functions/shared/instant.ts';
import { everywhereSeconds } from '../../functions/shared/registry/everywhere.ts';
import { isBlocked, isPaused } from '../../functions/shared/registry/stops.ts';
import { longestReason } from '../shared/reason.ts';
import { openRegistryTable, readOne, type ReadEntry } from '../shared/registry-table.ts';
import { stopEntry, stopUnknown, type Written } from '../shared/registry-writes.ts';
import { alarmOfAudit } from './audit-alarms.ts';
import { requireConsent } from './consent.ts';
import type { RestoreDeps, Stage } from './deps.ts';
import type { RestoreOf } from './flags.ts';
import { knownStops, type KnownStop } from './known-stops.ts';

/** Whether the item says something newer: a stop that holds, or that an operator has ended since. */
const isSettled = (item: ReadEntry | undefined, { entryId, at, version }: KnownStop, now: number): boolean => {
  if (item?.stop === undefined) return false;
  const holds = entryId.startsWith('partner#') ? isBlocked(item.stop) : isPaused(item.stop, now);
  const isOfThatSecond = item.stop.at === at && version > 0;
  return holds || item.stop.at > at || (isOfThatSecond && item.version > version);
};

const lineOf = ({ entryId, at, until, by, reason }: KnownStop): string =>
  `${entryId}  since ${instant(at)}${until === undefined ? '' : ` until ${instant(until)}`}, by ${by}: ${reason}`;

/** When and why a stop was first made, even if it was put back since. */
const firstOf = ({ at, reason }: KnownStop): readonly [at: string, reason: string] => {
  const [, first, why] = /^.* \(of (\d{4}-[\d:TZ.-]+): (.*)$/s.exec(reason) ?? [];
  return first === undefined || why === undefined ? [instant(at), reason] : [first, why.replace(/\)$/, '')];
};

/** The shortest that the reason for putting back is cut to, to leave room for the first reason. */
const leastOwn = 40;

/** The reason of a stop that is put back. It includes the first reason, since whoever looks into an incident asks for that. */
const reasonAgain = (given: string, stop: KnownStop): string => {
  const [at, first] = firstOf(stop);
  const room = longestReason - ` (of ${at}: )`.length;
  const own = given.slice(0, Math.max(room - first.length, leastOwn));
  return `${own} (of ${at}: ${first.slice(0, room - own.length)})`;
};

/** @returns the exit code */
const stopAgain = async (
  { config, openAudit }: Stage,
  command: RestoreOf<'stops'>,
  deps: RestoreDeps,
): Promise<number> => {
  const { environment, wait, output } = deps;
  const registry = await openRegistryTable(config, { environment, tool: 'operator', name: command.table, wait });
  try {
    const { table, operator } = registry;
    const now = Math.floor(deps.now() / 1000);
    const lost: { readonly stop: KnownStop; readonly item: ReadEntry | undefined }[] = [];
    for (const stop of await knownStops(await openAudit(), now)) {
      const item = await readOne(table, stop.entryId);
      if (!isSettled(item, stop, now)) lost.push({ stop, item });
    }
    for (const { stop } of lost) output.out(lineOf(stop));
    if (lost.length === 0) output.note('The registry has every block and pause that the audit knows.');
    else if (command.dryRun) output.note(`Would stop these ${lost.length} again. Nothing was changed.`);
    if (lost.length === 0 || command.dryRun) return 0;
    await requireConsent(`Stop these ${lost.length} again as ${operator.arn}?`, command, deps);
    let again = 0;
    for (const { stop, item } of lost) {
      const made = { at: now, until: stop.until, by: operator.arn, reason: reasonAgain(command.reason, stop) };
      const written: Written =
        item === undefined ? await stopUnknown(table, stop.entryId, made) : await stopEntry(table, item, made);
      if (written.written) again += 1;
      else output.note(`${stop.entryId} was changed in the meantime. Run the same command again.`);
    }
    output.note(
      `Stopped ${again} again as ${operator.arn}. It takes effect everywhere within ${everywhereSeconds} seconds.`,
    );
    return again === lost.length ? 0 : 1;
  } finally {
    registry.close();
  }
};

/**
 * Blocks and pauses again whatever the audit says is stopped and the registry does not. It ends no stop, so it need not wait until
 * the audit knows everything.
 * @returns the exit code; 1 also if the audit may not know everything yet
 * @throws Refusal, and whatever AWS's clients throw
 */
export const restoreStops = async (stage: Stage, command: RestoreOf<'stops'>, deps: RestoreDeps): Promise<number> => {
  const code = await stopAgain(stage, command, deps);
  const on = await alarmOfAudit(stage.config, deps.environment);
  if (on === undefined) return code;
  deps.output.note(
    `The alarm ${on} is on, so the audit may not know of each block and pause. Run the same command again when it is over ` +
      '(docs/alarms.md).',
  );
  return 1;
};
