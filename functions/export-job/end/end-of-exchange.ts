import { whyLeftOut } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { typeOfAll } from '../exchange/exchange-leg.ts';
import { groupNow } from '../exchange/group-now.ts';
import { publishGroups } from '../exchange/keep-groups.ts';
import { deletedParts } from '../exchange/take-deletion.ts';
import type { JobDeps } from '../job/deps.ts';
import type { Job } from '../job/job.ts';
import { isOfNoLine } from '../leg/held-line.ts';
import type { LinesReason, Problem } from '../reading/problems.ts';
import { seenNames } from '../reading/seen-names.ts';
import { readFileList } from '../state/plan-files.ts';
import type { PlanFile, WrittenPart } from '../state/state.ts';
import { withCounts, writePart, type Ending, type MadeEnd } from './ending.ts';
import { attachmentFiles, joinFiles } from './join-files.ts';
import { auditEnd, exchangeEnd, type WhyNot } from './members-at-end.ts';
import { outcomeLine } from './outcomes.ts';
import { planProvenance } from './provenance.ts';

/**
 * The problems to report if an exchange ends before its queue is empty: its files were not known yet, or some were not read.
 * @throws whatever the bucket throws
 */
const whatIsLeft = async (
  deps: Pick<JobDeps, 'objects'>,
  input: ExchangeInput,
  { state, stateKey, why }: Ending,
): Promise<readonly Problem[]> => {
  const [task] = state.known.queue;
  if (why === undefined || task === undefined) return [];
  if (task.kind === 'ask' || task.kind === 'poll') {
    return [{ kind: 'planNotDone', type: typeOfAll(input), why }];
  }
  if (task.kind !== 'files') return [];
  const { files } = await readFileList(deps, stateKey, task.list);
  const left = files.slice(task.at).filter(({ kind }) => kind === 'output');
  return [...Map.groupBy(left, ({ type }) => type)].map(([type, { length: count }]) => ({
    kind: 'filesNotRead',
    type,
    count,
    why,
  }));
};

/** The reasons of lines that were accepted at first and are left out at the end. */
const ofLinesTaken: ReadonlySet<LinesReason> = new Set<LinesReason>([
  'hanging',
  'nameless',
  'endedSince',
  'besideEnded',
]);

/** How many lines of each output file were left out after it was read: they are about another patient's resources, or about a member who may no longer be exported. */
const hangingByFile = (problems: readonly Problem[]): ((file: PlanFile) => number) => {
  const hanging = problems.filter((one) => one.kind === 'fileLines').filter(({ why }) => ofLinesTaken.has(why));
  const byFile = Map.groupBy(hanging, ({ file }) => file);
  return ({ number, kind }) =>
    kind === 'output' ? (byFile.get(number) ?? []).reduce((sum, { count }) => sum + count, 0) : 0;
};

/** The lines that came since the whole Group was asked for, which may have others by now. */
const restingLines = ({ known: { byGroup = {} } }: Ending['state']): readonly Problem[] =>
  Object.entries(byGroup).map(([key, count]) => {
    const [file = '', type = ''] = key.split(' ');
    return { kind: 'fileLines', type, file: Number(file), why: 'othersSince', count };
  });

/** Ends an exchange: its problems, outcomes and error files, a Provenance for each file of the payer's, and whose records came. */
export const endOfExchange = async (job: Job, item: Export, ending: Ending): Promise<MadeEnd> => {
  const { state, stateKey, ofHeld } = ending;
  const input = await job.input(item);
  const left = await whatIsLeft(job.deps, input, ending);
  const nowMs = job.deps.clock.now();
  const { ended, isMixed } =
    input.kind === 'match' ? { ended: new Set<string>(), isMixed: false } : await groupNow(job.deps, item, input);
  const whyNot: WhyNot = (member) => whyLeftOut(member, ended, nowMs);
  const { problems, outcomes, transactionTime } = exchangeEnd(item, input, {
    state,
    left: [...left, ...ofHeld, ...(isMixed ? restingLines(state) : [])],
    whyNot,
  });
  const named = withCounts(state, problems);
  const hangingIn = hangingByFile(problems);
  const payer = await job.deps.registry.payer(item.payer, { evenIfPaused: true });
  const provenance = planProvenance(
    {
      exportId: item.exportId,
      facade: facadeBase(job.deps.origin, item.payer),
      payerName: payer?.displayName ?? item.payer,
      transactionTime,
      recorded: new Date(nowMs).toISOString(),
    },
    input,
    state.files.map((file) => ({ ...file, kept: file.kept - hangingIn(file) })),
  );
  const ours = await writePart(job, item, 'Provenance', provenance);
  const isDeleted = ({ type }: WrittenPart): boolean => type === deletedParts;
  const { request, ignored } = input;
  const seen = seenNames(state.seen, stateKey);
  const manifest = {
    transactionTime,
    ...(request === undefined ? {} : { request }),
    ...(ignored === undefined ? {} : { ignored }),
    files: [
      ...joinFiles([...state.parts.filter((part) => !isDeleted(part)), ...ours], 'output'),
      ...joinFiles(state.parts.filter(isDeleted), 'deleted'),
      ...joinFiles(await writePart(job, item, 'OperationOutcome', named.map(outcomeLine)), 'error'),
      ...attachmentFiles(state.attachments, ({ from }) => isOfNoLine(seen, from)),
    ],
    outcomes,
  };
  return {
    manifest,
    problems: named,
    audit: (status) => auditEnd(job.deps, item, { input, state, status, whyNot }),
    publish: () => publishGroups(job.deps, item, state.known),
  };
};
