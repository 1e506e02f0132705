import { auditCame, type AuditedMember, type ExchangeAuditDeps } from '../../shared/exchanges/audit-exchange.ts';
import { consentHolds } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import type { StoredManifest } from '../../shared/exports/manifest.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { outcomesByType } from '../end/outcomes-by-type.ts';
import type { Problem } from '../reading/problems.ts';
import { earliestTimeOf, type JobState } from '../state/state.ts';
import { patientIn, type GroupInput } from './line-rules.ts';
import { deletedParts } from './take-deletion.ts';

/** Problems after which nobody knows of whom something would have come. */
const unreadKinds: ReadonlySet<Problem['kind']> = new Set([
  'planRefused',
  'planUnusable',
  'planNotDone',
  'filesNotRead',
]);

/** What is to be said of members: who was left out, and of whom nothing came. */
const memberProblems = (
  { members, leftOut, asked }: GroupInput,
  { known: { about = {} } }: JobState,
  { isRead, nowMs }: { readonly isRead: boolean; readonly nowMs: number },
): readonly Problem[] => {
  const isPart = Object.values(asked).some((value) => value !== undefined);
  const ofMember = (member: GroupInput['members'][number]): readonly Problem[] => {
    const { submitted, consent } = member;
    if ((about[patientIn(member)] ?? 0) > 0) return [];
    const one = { type: 'Patient', member: submitted } as const;
    if (!consentHolds(consent, nowMs)) return [{ kind: 'memberLeftOut', ...one, why: 'consentEnded' }];
    if (!isRead) return [];
    return [{ kind: isPart ? 'memberUnchanged' : 'memberWithoutRecord', ...one }];
  };
  return [
    ...leftOut.map(({ submitted, why }): Problem => ({
      kind: 'memberLeftOut',
      type: 'Patient',
      member: submitted,
      why,
    })),
    ...members.flatMap(ofMember),
  ];
};

/** The types that an exchange has an outcome for, though nothing of them came. */
const typesDue = (input: ExchangeInput): readonly string[] =>
  input.kind === 'match' ? ['Group'] : (input.asked.types ?? ['Patient']);

/** What is to be said at the end of an exchange. */
export const exchangeEnd = (
  item: Export,
  input: ExchangeInput,
  { state, left, nowMs }: { readonly state: JobState; readonly left: readonly Problem[]; readonly nowMs: number },
): Pick<StoredManifest, 'outcomes' | 'transactionTime'> & { readonly problems: readonly Problem[] } => {
  const { known } = state;
  const found = [...state.problems, ...left];
  const isRead = !found.some(({ kind }) => unreadKinds.has(kind));
  const problems = [...found, ...(input.kind === 'match' ? [] : memberProblems(input, state, { isRead, nowMs }))];
  const planned = known.planned.length === 0 ? typesDue(input) : known.planned;
  const parts = state.parts.filter(({ type }) => type !== deletedParts);
  return {
    problems,
    // Which types a former plan has is known only by what came.
    outcomes: outcomesByType({ known: { ...known, planned, declared: {} }, parts }, problems, undefined),
    transactionTime: known.transactionTime ?? new Date(earliestTimeOf(item)).toISOString(),
  };
};

/** More strangers than this are not listed one by one. */
const mostStrangers = 1000;

const audited = (
  { submitted, reference, consent: { id, hash } }: GroupInput['members'][number],
  outcome: string,
  came: Pick<AuditedMember, 'resources'>,
): AuditedMember => ({ submitted, reference, consent: { id, hash }, outcome, ...came });

const membersOf = (input: ExchangeInput, { known }: JobState): readonly AuditedMember[] => {
  if (input.kind === 'group') {
    const { about = {} } = known;
    return [
      ...input.members.map((member) => audited(member, 'exported', { resources: about[patientIn(member)] ?? 0 })),
      ...input.leftOut.map((member) => audited(member, member.why, {})),
    ];
  }
  const { said = {}, strangers = 0 } = known;
  return [
    ...input.members.map(({ patient, consent: { id, hash } }) => ({
      submitted: patient,
      consent: { id, hash },
      ...(Object.hasOwn(said, patient) ? said[patient]! : { outcome: 'notNamed' }),
    })),
    ...Array.from({ length: Math.min(strangers, mostStrangers) }, () => ({ outcome: 'stranger' })),
  ];
};

/**
 * Writes to the audit what came of whom, before the partner can see it.
 * @throws GatewayError `temporarily_unavailable`
 */
export const auditEnd = (
  deps: ExchangeAuditDeps,
  { exportId, exchange = 'group', partner, payer, requestId, group }: Export,
  { input, state, status }: { readonly input: ExchangeInput; readonly state: JobState; readonly status: string },
): Promise<void> =>
  auditCame(
    deps,
    { exportId, exchange, partner, payer, requestId, ...(group === undefined ? {} : { group }) },
    { status, members: membersOf(input, state) },
  );
