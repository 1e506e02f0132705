import { visibleLine } from '../../config/checks/visible.ts';
import type { Difference } from '../../functions/shared/payer/difference.ts';
import { driftLine, driftOf, type Drift, type DriftDeps } from '../../functions/shared/payer/drift.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { damagedEntry } from '../shared/damaged-entry.ts';
import type { Output } from '../shared/output.ts';
import { inParallel } from '../shared/pool.ts';
import type { Progress } from '../shared/progress.ts';
import { entryText } from './entry.ts';
import type { FoundPayer } from './registry-findings.ts';

/** Whose drift to list, and how. */
export interface DriftOptions {
  readonly payers: readonly FoundPayer[];
  readonly json: boolean;
  readonly progress: Progress;
}

const atOnce = 16;

const damagedEntryDrift = (id: string): Drift => ({ differences: [], unread: [damagedEntry(id)] });

/**
 * Lists how payers differ from their profiles: a line for each difference on stdout, and on stderr what could not be read.
 * @returns 0 if everything was read and nothing differs, or else 1
 */
export const listDrift = async (
  deps: DriftDeps,
  { out, note }: Output,
  { payers, json, progress }: DriftOptions,
): Promise<number> => {
  const drifts = new Map<string, Drift>();
  await inParallel(payers, atOnce, async ({ id, payer }) => {
    drifts.set(id, payer === undefined ? damagedEntryDrift(id) : await driftOf(deps, payer));
    progress.show(drifts.size);
  });
  progress.clear();
  const inOrder = payers.map(({ id }) => ({ id, ...drifts.get(id)! }));
  const differing = inOrder.filter(({ differences }) => differences.length > 0);
  const unread = inOrder.filter((one) => one.unread.length > 0);
  if (json) out(JSON.stringify(inOrder, null, 2));
  else {
    for (const { id, differences } of differing)
      for (const difference of differences) out(visibleLine(`${id}  ${driftLine(difference)}`));
    for (const { id, unread: silent } of unread) for (const one of silent) note(visibleLine(`${id}  ${one}`));
    const summary = `${differing.length} of ${payers.length} payers differ from their profiles`;
    note(unread.length === 0 ? summary : `${summary}, and of ${unread.length} not everything could be read`);
  }
  return differing.length + unread.length === 0 ? 0 : 1;
};

/** A payer with a field's new value, such as one of `quirks.pkce`. */
const withValue = (payer: Payer, { field, value }: Difference): Payer => {
  const [first = '', second] = field.split('.');
  const outer = payer[first as keyof Payer];
  return { ...payer, [first]: second === undefined ? value : { ...(outer as object), [second]: value } };
};

/**
 * Prints the lines of a payer's entry that would change: on stdout each line as it is, after `-`, and as it would be, after
 * `+`; on stderr what has to be decided.
 * @returns 0 if everything was read and nothing differs, or else 1
 */
export const proposeChange = async (deps: DriftDeps, { out, note }: Output, payer: Payer): Promise<number> => {
  const { differences, unread } = await driftOf(deps, payer);
  const isKnown = ({ value }: Difference): boolean => value !== undefined;
  const changed = differences.filter(isKnown).reduce(withValue, payer);
  // With every field, so that both have the same form.
  const [before, after] = [payer, changed].map((one) => entryText(one, false).split('\n'));
  const lines = [
    ...before!.filter((line) => !after!.includes(line)).map((line) => `- ${line.trim()}`),
    ...after!.filter((line) => !before!.includes(line)).map((line) => `+ ${line.trim()}`),
  ];
  if (lines.length > 0) out(lines.join('\n'));
  for (const { text, todo } of differences) note(visibleLine(`${text} → ${todo}`));
  for (const one of unread) note(visibleLine(one));
  const isSame = differences.length + unread.length === 0;
  if (isSame) note('What it publishes agrees with its profile: there is nothing to write.');
  return isSame ? 0 : 1;
};
