import { randomUUID } from 'node:crypto';
import { addMemberIndex } from '../../functions/shared/store/grants.ts';
import { Refusal } from '../shared/errors.ts';
import type { MembersToolDeps } from './deps.ts';
import { counted } from './find.ts';
import type { OpenStage } from './open-stage.ts';
import { scanUnindexed, type Unindexed } from './stored-grants.ts';

/** Grants that are written at the same time, in each part of the table. */
const atATime = 8;

const note = 'The index of its member was added';

interface Written {
  written: number;
  passed: number;
}

const indexSome = async (
  { grants: table, operator, indexOf }: OpenStage,
  some: readonly Unindexed[],
  now: number,
): Promise<Written> => {
  const requestId = randomUUID();
  const results = await Promise.all(
    some.map(async (grant) => {
      const memberIndex = await indexOf(grant);
      return addMemberIndex(table, grant, { memberIndex, now, requestId, by: { operator: operator.arn, note } });
    }),
  );
  const written = results.filter(Boolean).length;
  return { written, passed: results.length - written };
};

/**
 * Gives every grant that knows its patient, and has no index, its index.
 * @returns the exit code
 * @throws Refusal
 */
export const indexCommand = async (
  stage: OpenStage,
  { dryRun }: { readonly dryRun: boolean },
  { output, now }: MembersToolDeps,
): Promise<number> => {
  const total: Written = { written: 0, passed: 0 };
  let [found, read] = [0, 0];
  try {
    await scanUnindexed(stage.grants, undefined, async (page, items) => {
      found += page.length;
      read += items;
      if (dryRun) return;
      for (let at = 0; at < page.length; at += atATime) {
        const { written, passed } = await indexSome(stage, page.slice(at, at + atATime), Math.floor(now() / 1000));
        total.written += written;
        total.passed += passed;
      }
    });
  } catch (error) {
    if (total.written > 0)
      output.note(`${counted(total.written, 'grant')} got an index before this. Run again for the others.`);
    throw error;
  }
  const of = `of ${counted(read, 'item')} in ${stage.grants.name}`;
  if (dryRun) {
    output.note(
      `${counted(found, 'grant')} ${of} without an index. Would add it as ${stage.operator.arn}. Nothing was changed.`,
    );
    return 0;
  }
  if (found !== total.written + total.passed)
    throw new Refusal('Not every grant was reached. Run the same command again.');
  const passed = total.passed === 0 ? '' : ` ${counted(total.passed, 'grant')} had one by then, or had gone.`;
  output.note(
    `${counted(total.written, 'grant')} ${of} got an index.${passed} Every grant that knows its patient has one now; --index-only is safe.`,
  );
  return 0;
};
