import { dropBody } from '../../shared/payer/answers.ts';
import type { PayerResponse } from '../../shared/payer/http.ts';
import { afterFailure, type After } from '../leg/after-answer.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import { fresh, updateTask } from '../leg/leg.ts';
import { isPage } from '../leg/take-document.ts';
import type { FileFault, LinesReason } from '../reading/problems.ts';
import type { ListedFile } from '../state/plan-files.ts';
import type { FilesTask } from '../state/state.ts';
import type { PlanAnswer, PlanRequest } from './ask-plan.ts';
import { afterPlan } from './ask.ts';
import { noteLost, type ExchangeLeg } from './exchange-leg.ts';
import { takeFile, type FileEnd } from './take-file.ts';

/** The longest that a file may take, in milliseconds: its invocation ends before. */
const longestFileMs = 900_000;

/** How many invocations may try to read a file that cannot be read in pieces. */
export const mostWhole = 2;

/** What became of a file. */
type FileOutcome =
  | { readonly after: After | { readonly stop: LegStop } }
  | { readonly fault: FileFault; readonly status?: number }
  | 'whole';

/** The validator that shows that a file has not changed (RFC 9110 §13.1.5): a strong ETag, or its modification date. */
const validatorOf = ({ headers }: PayerResponse): string | undefined => {
  const etag = headers.get('etag');
  if (etag !== null) return etag.startsWith('"') ? etag : undefined;
  return headers.get('last-modified') ?? undefined;
};

const isCoded = ({ headers }: PayerResponse): boolean =>
  !/^(?:|identity)$/i.test(headers.get('content-encoding') ?? '');

const headersOf = ({ offset, plain, validator }: FilesTask): Record<string, string> => ({
  accept: 'application/fhir+ndjson',
  ...(plain === true ? { 'accept-encoding': 'identity' } : {}),
  ...(offset > 0 && validator !== undefined ? { range: `bytes=${offset}-`, 'if-range': validator } : {}),
});

export const fileRequest = (file: ListedFile, task: FilesTask, withToken: boolean): PlanRequest => ({
  url: file.url!,
  named: 'file',
  headers: headersOf(task),
  withToken,
  longestMs: longestFileMs,
});

/** The bytes of a file that an answer has, and how many the file has; undefined where it says neither. */
interface Extent {
  readonly from: number;
  /** Where they end. */
  readonly until: number | undefined;
  readonly length: number | undefined;
}

/** Reads which bytes an answer has (RFC 9110 §14.4, §8.6). @returns undefined for a part of a file that cannot be placed */
const extentOf = ({ status, headers }: PayerResponse, isCodedFile: boolean): Extent | undefined => {
  if (status !== 206) {
    const said = headers.get('content-length') ?? '';
    const until = !isCodedFile && /^\d+$/.test(said) ? Number(said) : undefined;
    return { from: 0, until, length: until };
  }
  const [, first, last, all] = /^bytes +(\d+)-(\d+)\/(\d+|\*)$/i.exec(headers.get('content-range') ?? '') ?? [];
  if (first === undefined) return undefined;
  const [from, until, length] = [Number(first), Number(last) + 1, all === '*' ? undefined : Number(all)];
  return until <= from || (length !== undefined && until > length) ? undefined : { from, until, length };
};

/** Changes a task so that it reads its file again from the start. */
const fromStart = (leg: ExchangeLeg, task: FilesTask): FilesTask => {
  const isFurther = task.lines > (task.again ?? 0);
  const again = isFurther ? { again: task.lines, againAt: task.offset, againSum: task.sum } : {};
  return updateTask(leg, task, { offset: 0, sum: 0, lines: 0, validator: undefined, length: undefined, ...again });
};

/** How many times a plan may start a file over, or send another version of it, when asked for the rest. After that, the file is read in one request. */
const mostBegunAnew = 2;

/** The same, and counts an answer that did not have the requested rest of the file. */
const beginAnew = (leg: ExchangeLeg, task: FilesTask): FilesTask => {
  const { offset, begunAnew = 0 } = task;
  const begun = fromStart(leg, task);
  return offset === 0 ? begun : updateTask(leg, begun, { begunAnew: begunAnew + 1 });
};

/** The same without the lines from earlier tries: some plans send lines in no fixed order, so all are looked at again. */
const anew = (leg: ExchangeLeg, task: FilesTask): FilesTask =>
  updateTask(leg, fromStart(leg, task), {
    again: undefined,
    againAt: undefined,
    againSum: undefined,
    left: {},
    earlier: Math.max(task.earlier ?? 0, task.again ?? 0, task.lines),
  });

/** Whether an answer to a request with an offset says that nothing follows (RFC 9110 §15.5.17). */
const isAtEnd = ({ status, headers }: PayerResponse, { offset }: FilesTask): boolean =>
  status === 416 && offset > 0 && headers.get('content-range') === `bytes */${offset}`;

const afterEnd = async (
  leg: ExchangeLeg,
  task: FilesTask,
  end: Exclude<FileEnd, 'whole'>,
  {
    canResume,
    isCodedFile,
    before,
  }: { readonly canResume: boolean; readonly isCodedFile: boolean; readonly before: number },
): Promise<FileOutcome> => {
  if (end === 'paused') {
    updateTask(leg, task, { plain: true, tries: 0 });
    return { after: { stop: { kind: 'go' } } };
  }
  if (end === 'late') {
    const { tries } = task;
    // Without compression, the plan may serve it in pieces.
    const again = updateTask(leg, fromStart(leg, task), {
      plain: true,
      tries: isCodedFile && task.plain !== true ? tries : tries + 1,
    });
    if (again.tries >= mostWhole) return { fault: 'slow' };
    return { after: { stop: { kind: 'wait', seconds: 1, why: 'invocation' } } };
  }
  if (end === 'other') return { after: await afterFailure(leg, anew(leg, task)) };
  if (!canResume) {
    const whole = updateTask(leg, fromStart(leg, task), { plain: true });
    return { after: await afterFailure(leg, whole) };
  }
  // A try that made progress does not count as failed.
  const isFurther = task.offset > before;
  const further = updateTask(leg, task, { plain: true, tries: isFurther ? 0 : task.tries });
  if (end === 'part' && isFurther) return { after: { again: true } };
  return { after: await afterFailure(leg, further) };
};

/** Reads a file, or the rest of it, from one answer. */
const readAnswer = async (
  leg: ExchangeLeg,
  given: FilesTask,
  file: ListedFile,
  response: PayerResponse,
): Promise<FileOutcome> => {
  const { status, headers } = response;
  if (isAtEnd(response, given)) return 'whole';
  if (status !== 200 && status !== 206) return { fault: 'refused', status };
  if (isPage(headers.get('content-type'))) return { fault: 'page' };
  const isOn = status === 206;
  const isCodedFile = isCoded(response);
  const extent = extentOf(response, isCodedFile);
  if (extent === undefined || (isOn && extent.from !== given.offset)) return { fault: 'broken' };
  // RFC 9110 §15.3.7 lets a part leave out the validator that was asked for.
  const validator = validatorOf(response) ?? (isOn ? given.validator : undefined);
  const length = extent.length ?? (isOn ? given.length : undefined);
  const isSame = given.offset === 0 || (validator === given.validator && length === (given.length ?? length));
  if (isOn && !isSame) return { after: await afterFailure(leg, beginAnew(leg, given)) };
  const begun = isOn ? given : beginAnew(leg, given);
  const takesRanges = isOn || /\bbytes\b/i.test(headers.get('accept-ranges') ?? '');
  const canResume = !isCodedFile && validator !== undefined && takesRanges && (begun.begunAnew ?? 0) < mostBegunAnew;
  const task = updateTask(leg, begun, { validator, length });
  const { until } = extent;
  const { task: taken, end } = await takeFile(leg, task, {
    file,
    response,
    canResume,
    until: isCodedFile ? undefined : until,
    isPart: isOn && until !== length,
  });
  return end === 'whole' ? 'whole' : afterEnd(leg, taken, end, { canResume, isCodedFile, before: task.offset });
};

/** Why a file did not come, by the answer to the last try. */
export const fileFaultOf = (
  answer: Exclude<PlanAnswer, { kind: 'answered' }>,
): { readonly fault: FileFault; readonly status?: number } => {
  if (answer.kind === 'elsewhere') return { fault: 'elsewhere' };
  const { status, fault = 'broken' } = answer.kind === 'failed' ? answer : {};
  return { fault, status };
};

/** Asks for a file, or for what is left of it, and reads it. */
const readFile = async (leg: ExchangeLeg, file: ListedFile, withToken: boolean): Promise<FileOutcome> => {
  const task = leg.next.queue[0] as FilesTask;
  if (file.url === undefined) return { fault: 'elsewhere' };
  const answer: PlanAnswer = await leg.ask(fileRequest(file, task, withToken));
  if (answer.kind !== 'answered') {
    const after = await afterPlan(leg, task, answer);
    return 'giveUp' in after ? fileFaultOf(answer) : { after };
  }
  const { response, end } = answer;
  try {
    const outcome = await readAnswer(leg, task, file, response);
    if (outcome === 'whole') return outcome;
    await dropBody(response);
    return outcome;
  } finally {
    end();
  }
};

/** Finishes a file: reports its problems, and goes on to the next one. */
const endFile = (leg: ExchangeLeg, file: ListedFile, fault: Exclude<FileOutcome, { after: unknown }>): FilesTask => {
  const task = leg.next.queue[0] as FilesTask;
  const { number, kind, type, said } = file;
  const came = Math.max(task.lines, task.again ?? 0);
  if (fault === 'whole' && came < (task.earlier ?? 0))
    leg.problems.add({ kind: 'fileNotRead', type, file: number, why: 'shorter' });
  if (fault !== 'whole')
    leg.problems.add({ kind: 'fileNotRead', type, file: number, why: fault.fault, status: fault.status });
  else if (said !== undefined && said !== came && kind === 'output')
    leg.problems.add({ kind: 'fileCount', type, file: number, said, came });
  for (const [name, count] of Object.entries(task.left)) {
    const [why, lineType] = name.split(' ') as [LinesReason, string];
    if (why === 'repeated' && task.earlier !== undefined) continue;
    leg.problems.add({ kind: 'fileLines', type: lineType, file: number, why, count });
  }
  leg.files.push({ number, kind, type, said, came, kept: task.kept });
  const { list, at } = task;
  const next: FilesTask = { kind: 'files', list, at: at + 1, offset: 0, lines: 0, kept: 0, left: {}, ...fresh };
  leg.next.queue[0] = next;
  return next;
};

/** Reads the files of a group export, one after the other, until all are read or the leg stops. */
export const readFiles = async (leg: ExchangeLeg, first: FilesTask): Promise<LegStop | undefined> => {
  const { files, withToken } = await leg.readList(first.list);
  let { at } = first;
  while (at < files.length) {
    const stop = leg.calls.whyNot();
    if (stop !== undefined) return stop;
    const file = files[at]!;
    if (file.kind === 'output') noteLost(leg);
    const outcome = await readFile(leg, file, withToken);
    if (typeof outcome === 'object' && 'after' in outcome) {
      const { after } = outcome;
      if ('stop' in after) return after.stop;
      if ('giveUp' in after) ({ at } = endFile(leg, file, { fault: 'broken' }));
    } else ({ at } = endFile(leg, file, outcome));
  }
  leg.next.queue.shift();
  return undefined;
};
