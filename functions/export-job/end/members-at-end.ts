import { auditCame, type AuditedMember, type ExchangeAuditDeps } from '../../shared/exchanges/audit-exchange.ts';
import type { GroupMember, WhyLeftOut } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import type { StoredManifest } from '../../shared/exports/manifest.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { patientIn, type GroupInput, type MatchInput } from '../exchange/line-rules.ts';
import { deletedParts } from '../exchange/take-deletion.ts';
import type { Problem } from '../reading/problems.ts';
import { isPatientDue } from '../record/wanted.ts';
import { earliestTimeOf, type JobState } from '../state/state.ts';
import { countsOf, outcomesByType } from './outcomes-by-type.ts';

/** After these problems it is unknown whose records would have come. */
const unreadKinds: ReadonlySet<Problem['kind']> = new Set([
  'planRefused',
  'planUnusable',
  'planNotDone',
  'filesNotRead',
]);

/** Why a member may no longer be exported; undefined if the member may. */
export type WhyNot = (member: Pick<GroupMember, 'reference' | 'consent' | 'until'>) => WhyLeftOut | undefined;

/** How many resources about a member came. */
const countsIn = ({ about = {} }: JobState['known']) => {
  const counts = new Map(Object.entries(about));
  return (member: Pick<GroupMember, 'reference'>): number => counts.get(patientIn(member)) ?? 0;
};

/** Whether each member's Patient must be in the record. */
const arePatientsDue = ({ asked: { types, typeFilters = [], ...times } }: GroupInput): boolean =>
  isPatientDue({ isWanted: (type) => types?.includes(type) !== false }, { ...times, filters: typeFilters });

/** Reports the members who were left out, those with no records, and those whose own Patient is missing. */
const memberProblems = (
  input: GroupInput,
  { known, parts }: JobState,
  { isRead, whyNot }: { readonly isRead: boolean; readonly whyNot: WhyNot },
): readonly Problem[] => {
  const { members, leftOut, asked } = input;
  const isPart = Object.values(asked).some((value) => value !== undefined);
  const isDue = arePatientsDue(input);
  const came = countsOf(parts);
  const lacksAll = isRead && isDue && came.size > 0 && !came.has('Patient');
  const own = lacksAll || !isRead || !isDue || known.ownPatients === undefined ? undefined : new Set(known.ownPatients);
  const countOf = countsIn(known);
  const ofMember = (member: GroupInput['members'][number]): readonly Problem[] => {
    const { submitted } = member;
    const one = { type: 'Patient', member: submitted } as const;
    const why = whyNot(member);
    if (countOf(member) > 0) {
      const isCut = known.cut?.includes(patientIn(member)) === true;
      if (isCut) return [{ kind: 'memberLeftOut', ...one, why: why ?? 'ended', isPart: true }];
      const isMissing = why === undefined && own?.has(patientIn(member)) === false;
      return isMissing ? [{ kind: 'patientNotGiven', ...one }] : [];
    }
    if (why !== undefined) return [{ kind: 'memberLeftOut', ...one, why }];
    if (!isRead) return [];
    return [{ kind: isPart && !isDue ? 'memberUnchanged' : 'memberWithoutRecord', ...one }];
  };
  return [
    ...leftOut.map(({ submitted, why }): Problem => ({
      kind: 'memberLeftOut',
      type: 'Patient',
      member: submitted,
      why,
    })),
    ...members.flatMap(ofMember),
    ...(lacksAll ? [{ kind: 'patientNotGiven', type: 'Patient', ofGroup: true } as const] : []),
  ];
};

/** Why a submitted member could not be asked for; undefined if the member could. */
const whyNotAsked = (
  { consent }: MatchInput['members'][number],
  { problems }: Pick<JobState, 'problems'>,
  whyNot: WhyNot,
): ReturnType<WhyNot> => {
  const isUnasked = problems.some((one) => one.kind === 'planUnusable' && one.why === 'consentEnded');
  return isUnasked ? whyNot({ reference: '', consent }) : undefined;
};

/** Reports the members whose consent kept a match from being sent. */
const unaskedProblems = ({ members }: MatchInput, state: JobState, whyNot: WhyNot): readonly Problem[] =>
  members.flatMap((member) => {
    const why = whyNotAsked(member, state, whyNot);
    return why === undefined ? [] : [{ kind: 'memberLeftOut', type: 'Patient', member: member.patient, why }];
  });

/** Types that get an outcome although no resource of them came. */
const typesDue = (input: ExchangeInput): readonly string[] =>
  input.kind === 'match' ? ['Group'] : (input.asked.types ?? ['Patient']);

/** The problems to report at the end of an exchange. */
export const exchangeEnd = (
  item: Export,
  input: ExchangeInput,
  { state, left, whyNot }: { readonly state: JobState; readonly left: readonly Problem[]; readonly whyNot: WhyNot },
): Pick<StoredManifest, 'outcomes' | 'transactionTime'> & { readonly problems: readonly Problem[] } => {
  const { known } = state;
  const found = [...state.problems, ...left];
  const isRead = !found.some(({ kind }) => unreadKinds.has(kind));
  const ofMembers =
    input.kind === 'match' ? unaskedProblems(input, state, whyNot) : memberProblems(input, state, { isRead, whyNot });
  const problems = [...found, ...ofMembers];
  const asked = input.kind === 'match' ? [] : (input.asked.types ?? []);
  const planned = known.planned.length === 0 ? typesDue(input) : [...new Set([...asked, ...known.planned])];
  const parts = state.parts.filter(({ type }) => type !== deletedParts);
  return {
    problems,
    // Only what came shows which types a former plan has.
    outcomes: outcomesByType({ known: { ...known, planned, declares: { types: {} } }, parts }, problems, undefined),
    transactionTime: known.transactionTime ?? new Date(earliestTimeOf(item)).toISOString(),
  };
};

/** At most this many strangers are listed one by one. */
const mostStrangers = 1000;

const audited = (
  { submitted, reference, consent: { id, hash } }: GroupInput['members'][number],
  outcome: string,
  came: Pick<AuditedMember, 'resources'>,
): AuditedMember => ({ submitted, reference, consent: { id, hash }, outcome, ...came });

const membersOf = (input: ExchangeInput, state: JobState, whyNot: WhyNot): readonly AuditedMember[] => {
  const { known } = state;
  if (input.kind === 'group') {
    const countOf = countsIn(known);
    return [
      ...input.members.map((member) => {
        const resources = countOf(member);
        const why = resources === 0 ? whyNot(member) : undefined;
        return why === undefined ? audited(member, 'exported', { resources }) : audited(member, why, {});
      }),
      ...input.leftOut.map((member) => audited(member, member.why, {})),
    ];
  }
  const { said = {}, strangers = 0 } = known;
  return [
    ...input.members.map((member) => {
      const { patient, consent } = member;
      const unsaid = { outcome: whyNotAsked(member, state, whyNot) ?? 'notNamed' };
      const { id, hash } = consent;
      const outcome = Object.hasOwn(said, patient) ? said[patient]! : unsaid;
      return { submitted: patient, consent: { id, hash }, ...outcome };
    }),
    ...Array.from({ length: Math.min(strangers, mostStrangers) }, () => ({ outcome: 'stranger' })),
  ];
};

const auditedOf = ({ exportId, exchange = 'group', partner, payer, requestId, group }: Export) => ({
  exportId,
  exchange,
  partner,
  payer,
  requestId,
  ...(group === undefined ? {} : { group }),
});

/**
 * Records in the audit that an exchange ended without delivering anything to the partner.
 * @param input undefined if it cannot be read: then the audit names nobody
 * @throws GatewayError `temporarily_unavailable`
 */
export const auditNothing = (
  deps: ExchangeAuditDeps,
  item: Export,
  input: ExchangeInput | undefined,
): Promise<void> => {
  const outcome = 'notDelivered';
  const members =
    input?.kind === 'match'
      ? input.members.map(({ patient, consent: { id, hash } }) => ({
          submitted: patient,
          consent: { id, hash },
          outcome,
        }))
      : (input?.members ?? []).map((member) => audited(member, outcome, {}));
  return auditCame(deps, auditedOf(item), { status: 'failed', members });
};

/**
 * Writes to the audit whose records came, before the partner can see them.
 * @throws GatewayError `temporarily_unavailable`
 */
export const auditEnd = (
  deps: ExchangeAuditDeps,
  item: Export,
  {
    input,
    state,
    status,
    whyNot,
  }: {
    readonly input: ExchangeInput;
    readonly state: JobState;
    readonly status: string;
    readonly whyNot: WhyNot;
  },
): Promise<void> => auditCame(deps, auditedOf(item), { status, members: membersOf(input, state, whyNot) });
