import { countValues } from '../../shared/json/values.ts';
import { dropBody } from '../../shared/payer/answers.ts';
import { readText } from '../../shared/payer/read-text.ts';
import { answerBases } from '../../shared/registry/fhir-bases.ts';
import { afterFailure, mostTries, type After } from '../leg/after-answer.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import { updateTask } from '../leg/leg.ts';
import type { PageResource } from '../reading/page-resource.ts';
import { createProblemList, type ProblemList } from '../reading/problem-list.ts';
import type { FileFault } from '../reading/problems.ts';
import { splitLines } from '../reading/split-lines.ts';
import type { ListedFile } from '../state/plan-files.ts';
import type { FilesTask, KeptGroup, PlanFile } from '../state/state.ts';
import { afterPlan } from './ask.ts';
import type { ExchangeLeg } from './exchange-leg.ts';
import { keepGroup, noteOthers } from './keep-groups.ts';
import type { MatchInput } from './line-rules.ts';
import { fileFaultOf, fileRequest, mostWhole } from './read-files.ts';
import { groupsInEnvelope, type GivenGroup } from './read-group.ts';
import { readMatch } from './read-groups.ts';
import { reserveMs } from './take-file.ts';
import { takeRemark } from './take-remark.ts';

/** The most bytes of all files of a match's answer. What is asked has at most 4 MB, and comes back once. */
const mostBytes = 32 * 1024 * 1024;

/**
 * The most values of all resources that are kept until all files are read: several times what a match can have that names each of 1,000
 * members. A payer could make a gigabyte of 32 MB.
 */
const mostValues = 2_000_000;

/** A line of a file of Groups, and what it says. */
interface GroupLine {
  readonly file: number;
  readonly line: string;
  readonly resource: PageResource['resource'];
}

/** A file of a match's answer: its lines that can be read, or why it did not come. */
type GroupFile =
  | {
      readonly lines: readonly GroupLine[];
      readonly came: number;
      readonly bytes: number;
      readonly values: number;
    }
  | { readonly fault: FileFault; readonly status?: number }
  | { readonly after: After };

/** Whether the invocation has no more time to read. A file that still comes is cut at that moment, or a little later. */
const isLate = ({ calls, remainingMs }: ExchangeLeg): boolean =>
  !calls.stopped.aborted && remainingMs() < reserveMs + 10;

interface FileReading {
  readonly file: ListedFile;
  readonly withToken: boolean;
  readonly report: ProblemList['add'];
  /** The most bytes, and the most values. */
  readonly room: { readonly bytes: number; readonly values: number };
}

/** Reads a file whole. */
const readFile = async (leg: ExchangeLeg, { file, withToken, report, room }: FileReading): Promise<GroupFile> => {
  if (file.url === undefined) return { fault: 'elsewhere' };
  if (room.bytes <= 0 || room.values <= 0) return { fault: 'tooLarge' };
  const task = leg.next.queue[0] as FilesTask;
  const longestMs = leg.remainingMs() - reserveMs;
  const answer = await leg.ask({ ...fileRequest(file, task, withToken), longestMs });
  if (answer.kind !== 'answered') {
    if (answer.kind === 'failed' && isLate(leg)) return { after: { again: true } };
    const after = await afterPlan(leg, task, answer);
    return 'giveUp' in after ? { fault: fileFaultOf(answer).fault } : { after };
  }
  const { response, end } = answer;
  try {
    if (response.status !== 200) {
      await dropBody(response);
      return { fault: 'refused', status: response.status };
    }
    let text: string | undefined;
    try {
      text = await readText(response, room.bytes);
    } catch {
      const after = isLate(leg) ? ({ again: true } as const) : await afterFailure(leg, task);
      return 'giveUp' in after ? { fault: 'broken' } : { after };
    }
    if (text === undefined) return { fault: 'tooLarge' };
    const lines: GroupLine[] = [];
    let came = 0;
    let values = 0;
    const splitter = splitLines(
      leg.buffers.pageRoom,
      (given) => {
        came += 1;
        if (file.kind === 'error') takeRemark({ file, report }, given);
        else if (given.skipped === undefined) {
          const line = given.line.toString('utf8');
          values += countValues(line);
          if (values <= room.values) lines.push({ file: file.number, line, resource: given.resource });
        } else report({ kind: 'entrySkipped', reason: given.skipped, file: file.number, type: file.type });
      },
      () => undefined,
    );
    const bytes = Buffer.from(text);
    splitter.push(bytes);
    splitter.end();
    return values > room.values ? { fault: 'tooLarge' } : { lines, came, bytes: bytes.length, values };
  } finally {
    end();
  }
};

/** Reads a file, unless it has failed too often. Each file has tries of its own, which all legs count. */
const readInTries = async (leg: ExchangeLeg, at: number, reading: FileReading): Promise<GroupFile> => {
  const task = leg.next.queue[0] as FilesTask;
  const { tries, fault } = task.failed?.[at] ?? { tries: 0 };
  if (tries >= mostTries) return { fault: fault ?? 'broken' };
  updateTask(leg, task, { tries });
  const taken = await readFile(leg, reading);
  const after = leg.next.queue[0] as FilesTask;
  if (after.tries > tries) {
    const failed = { tries: after.tries, ...('fault' in taken && { fault: taken.fault }) };
    updateTask(leg, after, { failed: { ...after.failed, [at]: failed } });
  }
  return taken;
};

/** The Groups of all files. Those in the 2.1 envelope count only if there are no Group files. */
const groupsOf = (read: readonly GroupLine[]): readonly (GivenGroup & { readonly from: GroupLine })[] => {
  const own = read.filter(({ resource }) => resource['resourceType'] === 'Group');
  if (own.length > 0) return own.map((from) => ({ line: from.line, resource: from.resource, from }));
  return read
    .filter(({ resource }) => resource['resourceType'] === 'Parameters')
    .flatMap((from) =>
      groupsInEnvelope(from.resource).map(({ line, resource, parameter }) => ({ line, resource, parameter, from })),
    );
};

/** Reads the answer of a match, checks it, keeps its Groups, and passes them on. */
export const takeGroups = async (
  leg: ExchangeLeg,
  input: MatchInput,
  first: FilesTask,
): Promise<LegStop | undefined> => {
  const { files, withToken } = await leg.readList(first.list);
  const read: GroupLine[] = [];
  // They count only if this leg reads all files; otherwise the next leg reads them again.
  const ended: Omit<PlanFile, 'kept'>[] = [];
  const found = createProblemList();
  const room = { bytes: mostBytes, values: mostValues };
  for (const [at, file] of files.entries()) {
    if (file.kind === 'deleted') continue;
    for (;;) {
      const task = leg.next.queue[0] as FilesTask;
      const late = (task.late ?? 0) + 1;
      // Each leg reads the files from the first. The last invocation leaves out what is left.
      if (isLate(leg) && late < mostWhole) {
        updateTask(leg, task, { late });
        return { kind: 'wait', seconds: 1, why: 'invocation' };
      }
      const taken: GroupFile = isLate(leg)
        ? { fault: 'slow' }
        : await readInTries(leg, at, { file, withToken, report: found.add, room });
      if ('after' in taken) {
        if ('stop' in taken.after) return taken.after.stop;
        continue;
      }
      const { number, kind, type, said } = file;
      if ('fault' in taken) {
        if (taken.fault === 'tooLarge') room.bytes = 0;
        found.add({ kind: 'fileNotRead', type, file: number, why: taken.fault, status: taken.status });
      } else {
        const { lines, came, bytes, values } = taken;
        if (kind === 'output') for (const one of lines) read.push(one);
        room.bytes -= bytes;
        room.values -= values;
        if (said !== undefined && said !== came && kind === 'output')
          found.add({ kind: 'fileCount', type, file: number, said, came });
        ended.push({ number, kind, type, said, came });
      }
      break;
    }
  }
  const given = groupsOf(read);
  const match = readMatch(given, input, answerBases(leg.payer), leg.deps.clock.now());
  const { groups, problems, said, strangers } = match;
  const passedOn = new Set(groups.map(({ at }) => given[at]!.from));
  const keptOf = (number: number): number => [...passedOn].filter(({ file }) => file === number).length;
  leg.next.said = said;
  leg.next.strangers = strangers;
  for (const problem of problems) found.add(problem);
  leg.problems.addAll(found);
  for (const file of ended) leg.files.push({ ...file, kept: file.kind === 'output' ? keptOf(file.number) : file.came });
  await noteOthers(leg, match);
  const kept: KeptGroup[] = [];
  for (const group of groups) {
    if (group.code === 'match') kept.push(await keepGroup(leg, group));
    leg.parts.add('Group', [Buffer.from(`${group.line}\n`)]);
    leg.next.resources += 1;
  }
  leg.next.groups = kept;
  leg.next.queue.shift();
  return undefined;
};
