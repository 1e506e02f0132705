import type { GroupMember } from '../../../functions/shared/exchanges/group.ts';
import type { ExchangeInput } from '../../../functions/shared/exchanges/input.ts';
import { fhir, type PayerScript, type Sent } from '../../support/export-world.ts';

/** A file of a plan: its type, its lines, and how many the manifest says there are. */
interface PlanFile {
  readonly type: string;
  readonly lines: readonly (string | object)[];
  readonly count?: number | undefined;
  readonly url?: string;
  readonly parts?: readonly string[];
}

export interface Plan {
  readonly output?: readonly PlanFile[];
  readonly error?: readonly PlanFile[];
  readonly deleted?: readonly PlanFile[];
  readonly manifest?: object;
  /** The HTTP headers of the manifest. */
  readonly manifestHeaders?: Readonly<Record<string, string>>;
  /** The plan's clock when it is asked. @default that of the gateway */
  readonly date?: string | undefined;
  /** How many polls are answered with 202 before the manifest. @default 1 */
  readonly busy?: number;
  /** Answers in place of the plan; undefined leaves it to the plan. */
  readonly instead?: (asked: Parameters<PayerScript>[0]) => Sent | undefined | Promise<Sent | undefined>;
}

const textOf = (lines: PlanFile['lines']): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

const transactionTime = '2026-11-26T23:00:00Z';

/** A former plan as PDex 2.2 has it. */
export const planOf = (
  base: string,
  {
    output = [],
    error = [],
    deleted = [],
    manifest = {},
    manifestHeaders = {},
    busy = 1,
    instead,
    date = 'Fri, 27 Nov 2026 00:00:00 GMT',
  }: Plan,
): PayerScript => {
  let polls = 0;
  const listed = { output, error, deleted };
  return async (asked) => {
    const other = await instead?.(asked);
    if (other !== undefined) return other;
    const { path, method } = asked;
    if (path.endsWith('/$bulk-member-match') || path.includes('/$davinci-data-export')) {
      return {
        status: 202,
        headers: { 'content-location': `${base}/status/1`, date },
      };
    }
    if (path === '/status/1') {
      if (method === 'DELETE') return { status: 202 };
      polls += 1;
      if (polls <= busy) return { status: 202, headers: { 'x-progress': 'working', 'retry-after': '30' } };
      const filesOf = (kind: keyof typeof listed) =>
        listed[kind].map((file, at) =>
          Object.assign({}, file, { lines: undefined, url: file.url ?? `${base}/files/${kind}/${at}` }),
        );
      return fhir(
        {
          transactionTime,
          request: 'asked',
          requiresAccessToken: true,
          output: filesOf('output'),
          error: filesOf('error'),
          deleted: filesOf('deleted'),
          ...manifest,
        },
        manifestHeaders,
      );
    }
    const [, kind, at] = /^\/files\/(output|error|deleted)\/(\d+)$/.exec(path) ?? [];
    const file = kind === undefined ? undefined : listed[kind as keyof typeof listed][Number(at)];
    if (file === undefined) return { status: 404 };
    return { headers: { 'content-type': 'application/fhir+ndjson' }, body: textOf(file.lines) };
  };
};

export const memberOf = (id: string, more: Partial<GroupMember> = {}): GroupMember => ({
  submitted: `ours-${id}`,
  reference: `Patient/${id}`,
  consent: { id: `consent-${id}`, hash: 'hash' },
  ...more,
});

/** What a partner asks of a Group of these members. */
export const groupInput = (
  members: readonly GroupMember[],
  more: Partial<Extract<ExchangeInput, { kind: 'group' }>> = {},
): ExchangeInput => ({
  kind: 'group',
  group: 'g1',
  members,
  groupMembers: members.length + (more.leftOut ?? []).length + (more.others ?? []).length,
  leftOut: [],
  asked: {},
  ...more,
});

/** A Patient as the new plan submits it, but for its version, which no Group has (PDex 2.2, pdex-151). */
export const submittedPatient = (id: string) => ({
  resourceType: 'Patient',
  id,
  identifier: [{ system: 'https://new-plan.example/member', value: `new-${id}` }],
});

/** What a partner asks about members, by the ids that it submits. */
export const matchInput = (...ids: readonly string[]): ExchangeInput => ({
  kind: 'match',
  body: JSON.stringify({
    resourceType: 'Parameters',
    parameter: ids.map((id) => ({
      name: 'MemberBundle',
      part: [{ name: 'MemberPatient', resource: { ...submittedPatient(id), meta: { versionId: '2' } } }],
    })),
  }),
  members: ids.map((patient) => ({ patient, consent: { id: `consent-${patient}`, hash: 'hash' } })),
});

const system = 'http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PdexMultiMemberMatchResultCS';
const extension = 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/base-ext-match-parameters';

/** A Group of an answer to a match. @param members the submitted ids, each with the reference at the plan */
export const groupOf = (
  code: string,
  members: Readonly<Record<string, string>>,
  more: object = {},
): Record<string, unknown> => ({
  resourceType: 'Group',
  id: `group-${code}`,
  contained: Object.keys(members).map((id) => ({ resourceType: 'Patient', id, name: [{ family: `Name of ${id}` }] })),
  type: 'person',
  actual: true,
  code: { coding: [{ system, code }] },
  member: Object.entries(members).map(([id, reference]) => ({
    entity: { extension: [{ url: extension, valueReference: { reference: `#${id}` } }], reference },
  })),
  ...more,
});
