import { crc32 } from 'node:zlib';
import type { PayerResponse } from '../../shared/payer/http.ts';
import { answerBases } from '../../shared/registry/fhir-bases.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import { updateTask } from '../leg/leg.ts';
import { patientsOf } from '../reading/check-resource.ts';
import { isByGroup, ofWholeGroup } from '../reading/hangs-on.ts';
import { createLineRewriter } from '../reading/rewrite-line.ts';
import { splitLines } from '../reading/split-lines.ts';
import type { ListedFile } from '../state/plan-files.ts';
import type { FilesTask } from '../state/state.ts';
import { noteLost, type ExchangeLeg } from './exchange-leg.ts';
import { membersOf, type LineTaking } from './line-rules.ts';
import { takeDeletion } from './take-deletion.ts';
import { takeLine } from './take-line.ts';
import { takeRemark } from './take-remark.ts';

/** How the reading of a file ended. */
export type FileEnd =
  | 'whole'
  /** The leg has read enough. The next one continues. */
  | 'paused'
  /** The invocation ends, and the file cannot be resumed from this point. */
  | 'late'
  /** The answer had a part of the file, and more may follow. */
  | 'part'
  /** The connection broke, or fewer bytes came than the answer announced. */
  | 'cut'
  /** The answer does not start with the lines that an earlier try received, or has more bytes than it says. */
  | 'other';

/** An invocation keeps this much of its time, in milliseconds, to put what was read and to write its state. */
export const reserveMs = 60_000;

/** Takes a line of a file of any kind. @returns whether it is in the record */
const takerOf = ({ file: { kind } }: LineTaking) =>
  kind === 'output' ? takeLine : kind === 'deleted' ? takeDeletion : takeRemark;

/**
 * Takes the lines of a file while its bytes arrive, from the offset of the task.
 * @param canResume whether the file can be read on from an offset
 * @param until where the answer's bytes end in the file, as the answer says; undefined if it does not
 * @param isPart whether the file may go on after the answer
 * @returns the task as it is then, and how the reading ended
 * @throws the bucket's error
 */
export const takeFile = async (
  leg: ExchangeLeg,
  first: FilesTask,
  {
    file,
    response,
    canResume,
    until,
    isPart,
  }: {
    readonly file: ListedFile;
    readonly response: PayerResponse;
    readonly canResume: boolean;
    readonly until: number | undefined;
    readonly isPart: boolean;
  },
): Promise<{ readonly task: FilesTask; readonly end: FileEnd }> => {
  const bases = answerBases(leg.payer);
  const left: Record<string, number> = { ...first.left };
  let { offset, lines: came, kept } = first;
  const { again = 0, againAt = 0, againSum } = first;
  const isAgain = (): boolean => came < again;
  /** Where the next piece begins, the CRC-32 of what is before it, and that of what is before the offset. */
  let at = offset;
  let [read, sum] = [first.sum ?? 0, first.sum ?? 0];
  const lines = leg.lines!;
  if (lines.isWhole()) leg.seen.add(ofWholeGroup);
  const taking: LineTaking = {
    leg,
    rules: { ...leg.rules, ...bases },
    lines,
    file,
    where: { file: file.number },
    get came() {
      return lines.isWhole() ? ofWholeGroup : undefined;
    },
    whoseOf: (resource) => ({
      members: membersOf(lines, patientsOf(resource, taking.rules)),
      file: file.number,
      lost: lines.lost.size,
      ...(isByGroup(resource, { rules: taking.rules, seen: leg.seen, came: taking.came }) && { byGroup: true }),
    }),
    rewrite: createLineRewriter({ ...bases, facade: facadeBase(leg.deps.origin, leg.payer.id) }),
    count: (why, type) => {
      // An earlier try counted it.
      if (!isAgain()) left[`${why} ${type}`] = (left[`${why} ${type}`] ?? 0) + 1;
    },
    report: (problem) => {
      if (!isAgain()) leg.problems.add(problem);
    },
  };
  const take = takerOf(taking);
  const splitter = splitLines(
    leg.buffers.pageRoom,
    (resource) => {
      if (take(taking, resource)) kept += 1;
      came += 1;
    },
    (bytes) => void (offset += bytes),
  );
  const endWith = (end: FileEnd) => ({ task: updateTask(leg, first, { offset, sum, lines: came, kept, left }), end });
  const pieces = response.body?.[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array, unknown> | undefined;
    try {
      next = await pieces?.next();
    } catch {
      return endWith('cut');
    }
    if (next === undefined || next.done === true) break;
    const { value: piece } = next;
    // Lines that were already taken are not reported again, so they must be the same lines.
    const known = againAt - at;
    if (known > 0 && known <= piece.length && crc32(piece.subarray(0, known), read) !== againSum)
      return endWith('other');
    lines.leaveOutEnded(leg.deps.clock.now());
    if (file.kind === 'output') noteLost(leg);
    splitter.push(piece);
    const ended = Math.max(0, offset - at);
    if (ended > 0) sum = crc32(piece.subarray(0, ended), read);
    read = crc32(piece.subarray(ended), ended > 0 ? sum : read);
    at += piece.length;
    await leg.parts.putBehind();
    await leg.held.putIfLarge();
    const isLate = leg.remainingMs() < reserveMs;
    // The next leg would begin with the same line.
    const isFull = leg.calls.isFull() && offset > first.offset;
    if (canResume && (isFull || isLate)) return endWith('paused');
    if (isLate) return endWith('late');
  }
  if (until !== undefined && at !== until) return endWith(at < until ? 'cut' : 'other');
  // A line that the part has cut comes again with the next one.
  if (isPart) return endWith('part');
  if (at < againAt) return endWith('other');
  splitter.end();
  return endWith('whole');
};
