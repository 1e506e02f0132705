import type { IncomingMessage } from 'node:http';
import type { MemberRecord } from '../data/record.ts';
import type { ExchangeFault } from '../faults/exchange.ts';
import { badRequest } from '../fhir/outcome.ts';
import { holdsAt, permissionIn, plansNamed } from './consent.ts';
import { isSensitive, type contentOf } from './content.ts';
import type { Generated } from './generated.ts';
import { envelopeOf, groupOf, type Judged, type MatchedGroup, type Outcome } from './groups.ts';
import type { Job } from './jobs.ts';
import { filesOf, firstLines, keptLines, type DataFile, type LineSource } from './lines.ts';
import { matchedPatient } from './match.ts';
import type { FormerPlanOptions, PlanIdentifier } from './options.ts';
import { readExport, readMatch, type MemberBundle } from './request.ts';

/** What a kick-off needs to know of the payer. */
export interface KickOffSetup {
  readonly options: FormerPlanOptions;
  readonly plan: PlanIdentifier;
  readonly planName: string;
  readonly records: readonly MemberRecord[];
  readonly generated: Generated;
  readonly contentOf: ReturnType<typeof contentOf>;
  readonly isOn: (fault: ExchangeFault) => boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

type Started = Pick<Job, 'files' | 'deleted' | 'group'>;

/** Judges each submitted member by itself, and puts the outcome into Groups. @throws FhirError */
export const startMatch = (
  req: IncomingMessage,
  body: string,
  setup: KickOffSetup,
): Started & { readonly matched: readonly MatchedGroup[] } => {
  const { isOn, plan, planName, now } = setup;
  const bundles = readMatch(req, body);
  const judged = bundles.map((bundle) => judge(bundle, setup));
  const told = isOn('unmentioned') ? withoutOneMatch(judged) : judged;
  const having = (outcome: Outcome): readonly Judged[] => told.filter((one) => one.outcome === outcome);
  const newPlan = unique(bundles.flatMap(({ consent }) => plansNamed(consent, 'receives')));
  const matches = isOn('stranger') ? [...having('match'), ...strangerTo(judged, setup)] : having('match');
  const half = Math.ceil(matches.length / 2);
  const ofMatched = isOn('two-groups') ? [matches.slice(0, half), matches.slice(half)] : [matches];
  const others = (['nomatch', 'consentconstraint'] as const).filter((outcome) => having(outcome).length > 0);
  const write = (outcome: Outcome, members: readonly Judged[]) => ({
    outcome,
    members,
    ...groupOf(outcome, members, judged, { plan, planName, newPlan, now }),
  });
  const groups = [
    ...ofMatched.map((members) => write('match', members)),
    ...others.map((outcome) => write(outcome, having(outcome))),
  ];
  const file = (type: string, texts: readonly string[]): readonly DataFile[] => filesOf(type, [keptLines(texts)]);
  const groupFiles = isOn('envelope-alone')
    ? []
    : file(
        'Group',
        groups.map(({ text }) => text),
      );
  const isWrapped = isOn('envelope-alone') || isOn('envelope-beside');
  return {
    files: [...groupFiles, ...(isWrapped ? file('Parameters', [envelopeOf(groups)]) : [])],
    deleted: [],
    group: groups[0]?.id,
    matched: groups.flatMap(({ id, text, outcome, members }) =>
      outcome === 'match' ? [{ id, text, newPlan, members: members.map(kept) }] : [],
    ),
  };
};

const judge = (bundle: MemberBundle, { options, plan, records, generated, isOn, now }: KickOffSetup): Judged => {
  const patientId = isOn('no-members') ? undefined : matchedPatient(bundle, records, generated);
  if (patientId === undefined) return { bundle, outcome: 'nomatch' };
  const permission = permissionIn(bundle.consent, plan, options.newPlans, now);
  const record = records.find((one) => one.patientId === patientId);
  // This plan does not separate specially protected data from the rest (pdex-154).
  const isAsked = permission?.sensitive === true || record === undefined || !isSensitive(record);
  if (permission === undefined || !isAsked) return { bundle, outcome: 'consentconstraint' };
  return { bundle, outcome: 'match', patientId, permission };
};

const kept = ({ patientId, permission }: Judged): MatchedGroup['members'][number] => {
  if (patientId === undefined || permission === undefined) throw new TypeError('a match without its patient');
  return { patientId, permission };
};

const unique = (plans: readonly Partial<PlanIdentifier>[]): readonly Partial<PlanIdentifier>[] => [
  ...new Map(plans.map((one) => [`${one.system}|${one.value}`, one])).values(),
];

const withoutOneMatch = (judged: readonly Judged[]): readonly Judged[] => {
  const last = judged.findLast(({ outcome }) => outcome === 'match');
  return judged.filter((one) => one !== last);
};

/** One of the payer's members whom nobody submitted. */
const strangerTo = (judged: readonly Judged[], { records }: KickOffSetup): readonly Judged[] => {
  const submitted = new Set(judged.map(({ patientId }) => patientId));
  const record = records.findLast(({ patientId }) => !submitted.has(patientId));
  const [first] = judged;
  if (record === undefined || first === undefined) return [];
  const { firstName, lastName, birthDate } = record.member;
  const name = [{ family: lastName, given: [firstName] }];
  const patient = { resourceType: 'Patient', id: 'stranger', name, birthDate } as const;
  const period = { start: '2000-01-01', end: '2100-01-01' };
  return [
    {
      bundle: { ...first.bundle, patient },
      outcome: 'match',
      patientId: record.patientId,
      permission: { period, sensitive: true },
    },
  ];
};

/** Collects the records of a Group's members whose consent still holds. @throws FhirError */
export const startExport = (
  req: IncomingMessage,
  url: URL,
  body: string,
  group: MatchedGroup,
  setup: KickOffSetup,
): Started => {
  const { options, isOn, now } = setup;
  const asked = readExport(req, url, body, options.typeFilter === true || isOn('type-filter-ignored'));
  const stranger = asked.patients?.find((id) => group.members.every(({ patientId }) => patientId !== id));
  if (stranger !== undefined) throw badRequest(`Patient/${stranger} is not in the Group`);
  const patientIds = group.members
    .filter(({ patientId }) => asked.patients?.includes(patientId) ?? true)
    .filter(({ permission }) => holdsAt(permission, now))
    .map(({ patientId }) => patientId);
  const content = setup.contentOf({
    patientIds,
    since: isOn('since-ignored') ? undefined : asked.since,
    until: asked.until,
    types: asked.types,
    typeFilters: isOn('type-filter-ignored') ? [] : (asked.typeFilters ?? []),
  });
  const more = extraLines(isOn);
  const files = [...content].flatMap(([type, sources], index) =>
    filesOf(type, index === 0 ? [...sources, ...more] : sources, options.linesPerFile),
  );
  return {
    files: isOn('short') ? files.map((file) => firstLines(file, Math.floor(file.count / 2))) : files,
    deleted: isOn('deleted') ? filesOf('Bundle', [keptLines([deletedBundle])]) : [],
  };
};

/** Twelve million bytes. */
const hugeText = 'A'.repeat(12_000_000);

/** Lines that do not belong in a file, which are put in the first one. */
const extraLines = (isOn: KickOffSetup['isOn']): readonly LineSource[] => {
  const ofAnother =
    '{"resourceType":"AllergyIntolerance","id":"of-another","patient":{"reference":"Patient/another"},"code":{"text":"Not yours"}}';
  const huge = (): string => `{"resourceType":"AllergyIntolerance","id":"huge","note":[{"text":"${hugeText}"}]}`;
  return [
    ...(isOn('other-patient') ? [keptLines([ofAnother])] : []),
    ...(isOn('not-json') ? [keptLines(['{"resourceType":"AllergyIntolerance","id":"broken",'])] : []),
    ...(isOn('huge-line') ? [{ count: 1, text: huge }] : []),
  ];
};

const deletedBundle = JSON.stringify({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [{ request: { method: 'DELETE', url: 'Observation/deleted-1' } }],
});
