import { awsHelp, readArguments, stageFlags, UsageError, type StageFlags } from '../shared/command-line.ts';
import { dayIn } from '../shared/day.ts';

export const help = `npm run audit -- (--grant ID | --partner ID --since DATE | --registry --since DATE) [flags]

Prints what happened, according to the audit, to one grant, to all grants of a partner, or to payers and partners
themselves: who added, changed, removed, blocked or paused which, and why.

  --grant ID      a grant; if its id starts with a hyphen: --grant=ID
  --partner ID    a partner's client id; "unknown" has the records that the audit could not read
  --registry      changes of payers and partners
  --since DATE    the first day, such as 2026-06-01 (UTC; default for a grant: the day it was created)
  --until DATE    the last day (default today)
  --stage NAME    a stage in config/ (default local)
  --config FILE   a stage's configuration, .ts or .json
  --bucket NAME   the audit bucket (default AUDIT_BUCKET, else the one named p2p-gateway-{stage}-auditbucket…)
  --json          prints the FHIR AuditEvents, one per line
  --help          this text

${awsHelp}`;

/** What to look for in the audit. */
export interface AuditQuery {
  readonly of: { readonly grant: string } | { readonly partner: string } | 'registry';
  /** Days in UTC, such as `2026-06-01`, both included. A grant's first day may be omitted. */
  readonly since: string | undefined;
  readonly until: string;
  readonly stage: StageFlags;
  readonly bucket: string | undefined;
  readonly json: boolean;
}

const flags = {
  grant: { type: 'string' },
  partner: { type: 'string' },
  registry: { type: 'boolean' },
  since: { type: 'string' },
  until: { type: 'string' },
  ...stageFlags,
  bucket: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const requireMatch = (flag: string, value: string, pattern: RegExp, what: string): string => {
  if (!pattern.test(value)) throw new UsageError(`--${flag} is ${JSON.stringify(value)}; write ${what}`);
  return value;
};

interface Asked {
  readonly grant?: string | undefined;
  readonly partner?: string | undefined;
  readonly registry?: boolean | undefined;
}

const ofWhat = ({ grant, partner, registry }: Asked): AuditQuery['of'] => {
  const given = [grant, partner, registry].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new UsageError('Give --grant ID, or --partner ID or --registry with --since DATE; --help lists the flags');
  }
  if (grant !== undefined) {
    return { grant: requireMatch('grant', grant, /^[\w-]{22}$/, 'the 22 characters of a grant id, as in the logs') };
  }
  if (partner !== undefined) {
    return { partner: requireMatch('partner', partner, /^[a-z0-9-]{1,64}$/, "a partner's client id") };
  }
  return 'registry';
};

/**
 * Reads the command line.
 * @param nowMs the current time, epoch milliseconds
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number): AuditQuery | 'help' => {
  const { values } = readArguments({ args: [...args], options: flags });
  if (values.help === true) return 'help';
  const of = ofWhat(values);
  const since = dayIn('since', values.since);
  const until = dayIn('until', values.until) ?? new Date(nowMs).toISOString().slice(0, 10);
  if (since === undefined && (of === 'registry' || 'partner' in of)) {
    throw new UsageError(`--${of === 'registry' ? of : 'partner'} needs --since DATE`);
  }
  if (since !== undefined && until < since) throw new UsageError(`--until ${until} is before --since ${since}`);
  const stage = { stage: values.stage, config: values.config };
  return { of, since, until, stage, bucket: values.bucket, json: values.json === true };
};
