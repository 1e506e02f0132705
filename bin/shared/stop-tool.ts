import type { StageConfig } from '../../config/stage.ts';
import { instant } from '../../functions/shared/instant.ts';
import { everywhereSeconds } from '../../functions/shared/registry/everywhere.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import { Refusal } from './errors.ts';
import { findNamed } from './find-named.ts';
import type { Output } from './output.ts';
import { itemsOf, listLines, nameItem, sinceWhom, type EntryKind, type NamedItem } from './registry-list.ts';
import {
  emptyWords,
  explainRegistryFailure,
  isEmpty,
  isThere,
  openRegistryTable,
  readAll,
  readFilled,
  readOne,
  type OpenRegistry,
} from './registry-table.ts';
import { readStage, type StageFlags } from './stage-flags.ts';
import { endNow, stopNow, type StopOutcome } from './stop-entry.ts';

/** What a tool that stops is given from outside. */
export interface StopToolDeps {
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out'>;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** How a tool says what it does. */
export interface StopKind extends EntryKind {
  /** The tool, as in `npm run partners`. */
  readonly tool: string;
  /** Its commands, and what they have done: `block`, `Blocked`. */
  readonly begin: readonly [command: string, done: string];
  readonly end: readonly [command: string, done: string];
  /** What happens within `everywhereSeconds`. */
  readonly effect: string;
  readonly endEffect: string;
}

/** What to do. */
export interface StopCommand extends StageFlags {
  readonly ends: boolean;
  readonly nameOrId: string;
  readonly reason: string;
  /** When the stop ends by itself, epoch seconds. */
  readonly until?: number | undefined;
  readonly dryRun: boolean;
}

/** Opens the registry, and closes it in any case. @throws Refusal */
const withRegistry = async <T>(
  config: StageConfig,
  { tool }: StopKind,
  { environment }: StopToolDeps,
  work: (registry: OpenRegistry) => Promise<T>,
): Promise<T> => {
  const registry = await openRegistryTable(config, { environment, tool });
  try {
    return await work(registry);
  } catch (error) {
    throw explainRegistryFailure(error, config);
  } finally {
    registry.close();
  }
};

/** Ids are shorter, and DynamoDB refuses keys over 2 KB. */
const longestId = 200;

/** By id, which is one read; by name only if there is no such id. */
export const findItem = async (
  { table }: Pick<OpenRegistry, 'table'>,
  kind: EntryKind,
  nameOrId: string,
  stage: string,
): Promise<NamedItem> => {
  const item = nameOrId.length > longestId ? undefined : await readOne(table, kind.entryId(nameOrId));
  if (item !== undefined) return nameItem(kind, item);
  return findNamed(itemsOf(kind, (await readFilled(table, stage)).values()), nameOrId, { ...kind, stage });
};

const untilWords = ({ until }: Pick<Stop, 'until'>): string => (until === undefined ? '' : ` until ${instant(until)}`);

const undoLine = ({ tool }: StopKind, command: string, id: string, { stage, config }: StageFlags): string =>
  `npm run ${tool} -- ${command} ${id} --reason TEXT ${config === undefined ? `--stage ${stage}` : `--config ${config}`}`;

interface Told {
  readonly kind: StopKind;
  readonly command: StopCommand;
  readonly found: NamedItem;
  readonly stage: string;
  readonly operator: string;
}

const called = ({ id, name }: NamedItem): string => (name === undefined || name === id ? id : `${name} (${id})`);

const nothingToDo = ({ kind, found, stage }: Told, stop: Stop | undefined): string =>
  stop === undefined
    ? `${called(found)} is not ${kind.stopped} at stage ${stage}. Nothing was changed.`
    : `${called(found)} is ${kind.stopped} already at stage ${stage}${untilWords(stop)}, ${sinceWhom(stop)}. Nothing was changed.`;

const beforeLines = ({ kind }: Told, before: Stop | undefined): string[] =>
  before === undefined
    ? []
    : [`It was ${kind.stopped}${before.until === undefined ? '' : `${untilWords(before)},`} ${sinceWhom(before)}.`];

/** One whose entry is gone gets nothing anyway. */
const goneLines = ({ item }: NamedItem): string[] =>
  isThere(item)
    ? []
    : ['Its entry was removed from the registry, so it gets nothing anyway; this holds if the entry comes back.'];

const doneLines = (told: Told, outcome: StopOutcome): string[] => {
  const { kind, command, found, stage, operator } = told;
  if (!outcome.changed) return [nothingToDo(told, outcome.stop)];
  const [verb, done] = command.ends ? kind.end : kind.begin;
  const until = command.ends ? '' : untilWords(command);
  const who = `${called(found)} at stage ${stage}${until}, as ${operator}`;
  const effect = command.ends ? kind.endEffect : kind.effect;
  const [undo] = command.ends ? kind.begin : kind.end;
  return [
    command.dryRun ? `Would ${verb} ${who}. Nothing was changed.` : `${done} ${who}.`,
    `${command.dryRun ? 'The audit would record' : 'The audit records'} you and the reason: ${command.reason}`,
    ...beforeLines(told, outcome.before),
    ...goneLines(found),
    `Within ${everywhereSeconds} seconds${command.dryRun ? ' this would happen' : ''}: ${effect}`,
    ...(command.ends ? [] : ['Neither a deployment nor an apply ends it.']),
    `To undo it: ${undoLine(kind, undo, found.id, command)}`,
  ];
};

/**
 * Stops a partner or a payer, or ends the stop, and says what that does and how to undo it.
 * @returns the exit code: 0 also if it was so already
 * @throws Refusal, ConfigError
 */
export const runStop = async (kind: StopKind, command: StopCommand, deps: StopToolDeps): Promise<number> => {
  const config = await readStage(command);
  return withRegistry(config, kind, deps, async (registry) => {
    const found = await findItem(registry, kind, command.nameOrId, config.stage);
    const { arn: operator } = registry.operator;
    const at = Math.floor(deps.nowMs / 1000);
    const stop: Stop = { at, until: command.until, by: operator, reason: command.reason };
    const { entryId } = found.item;
    const outcome = command.ends
      ? await endNow(registry.table, entryId, stop, { ...kind, ...command })
      : await stopNow(registry.table, entryId, stop, { ...kind, ...command });
    deps.output.out(doneLines({ kind, command, found, stage: config.stage, operator }, outcome).join('\n'));
    return 0;
  });
};

/**
 * Lists what the registry has of one kind, with what is stopped.
 * @returns the exit code
 * @throws Refusal, also if the registry is empty; ConfigError
 */
export const runList = async (
  kind: StopKind,
  { onlyStopped, ...stage }: StageFlags & { readonly onlyStopped: boolean },
  deps: StopToolDeps,
): Promise<number> => {
  const config = await readStage(stage);
  return withRegistry(config, kind, deps, async ({ table }) => {
    const items = await readAll(table);
    deps.output.out(listLines(kind, items.values(), { now: deps.nowMs / 1000, onlyStopped }).join('\n'));
    if (isEmpty(items)) throw new Refusal(emptyWords(config.stage));
    return 0;
  });
};
