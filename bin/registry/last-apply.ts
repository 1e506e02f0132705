import { visibleLine } from '../../config/checks/visible.ts';
import { instant } from '../../functions/shared/instant.ts';
import type { Git } from '../shared/git.ts';
import type { ReadEntry } from '../shared/registry-table.ts';
import { isAncestor, type Checkout } from './checkout.ts';

/** Which file was applied. */
export interface AppliedFile {
  readonly file: string;
  readonly commit?: string;
  readonly uncommitted?: boolean;
}

/** The head of the registry: who applied last, and which file. */
export interface LastApply {
  readonly version: number;
  readonly at: number;
  readonly by: string;
  readonly reason: string;
  /** Undefined if someone changed the item by hand. */
  readonly applied: AppliedFile | undefined;
}

/** Reads the head; undefined if nothing was ever applied. */
export const lastApplyIn = (head: ReadEntry | undefined): LastApply | undefined =>
  head && {
    version: head.version,
    at: head.changedAt ?? 0,
    by: head.changedBy ?? 'unknown',
    reason: head.reason ?? '',
    applied: head.entry as AppliedFile | undefined,
  };

const commitWords = ({ commit, uncommitted }: AppliedFile): string =>
  commit === undefined
    ? ''
    : `, commit ${commit.slice(0, 12)}${uncommitted === true ? ' with uncommitted changes' : ''}`;

/** Who applied what, when and why, in one line. */
export const lastApplyLine = ({ version, at, by, reason, applied }: LastApply): string =>
  visibleLine(
    `version ${version}, ${instant(at)}, by ${by}: ${reason} (${
      applied === undefined ? 'the item was changed by hand' : `${applied.file}${commitWords(applied)}`
    })`,
  );

/** Whether a file may be older than the one that was applied last. */
export type Age =
  | { readonly is: 'newer' }
  /** It is; the sentence says which. */
  | { readonly is: 'older'; readonly why: string }
  /** It may be; the sentence says why that cannot be known. */
  | { readonly is: 'unknown'; readonly why: string };

const unknown = (why: string): Age => ({ is: 'unknown', why });
const older = (why: string): Age => ({ is: 'older', why });

/** Compares a file's commit with that of the file that was applied last. */
export const ageOf = async (git: Git, checkout: Checkout | undefined, last: LastApply | undefined): Promise<Age> => {
  if (last === undefined) return { is: 'newer' };
  if (last.applied === undefined)
    return unknown('The item "apply" was changed by hand, so what was applied last is unknown.');
  const { commit, uncommitted = false } = last.applied;
  if (commit === undefined)
    return unknown('What was applied last was in no git checkout, so it may be newer than this file.');
  if (checkout === undefined) {
    return unknown(
      `This file is in no git checkout, so it may be older than commit ${commit}, which was applied last.`,
    );
  }
  const isLater = await isAncestor(git, checkout, commit);
  if (isLater === 'unknown') {
    return older(
      `Commit ${commit}, which was applied last, is not in this checkout, which is at ${checkout.commit}. Run git pull; a shallow clone needs its history.`,
    );
  }
  if (!isLater) {
    return older(
      `This checkout is at commit ${checkout.commit}, which does not contain ${commit}, the commit that was applied last. Merge that first.`,
    );
  }
  if (commit !== checkout.commit || !uncommitted) return { is: 'newer' };
  return checkout.uncommitted
    ? unknown(`Commit ${commit} was applied with uncommitted changes. Whether this file has them cannot be known.`)
    : older(`Commit ${commit} was applied with uncommitted changes, which this file does not have.`);
};
