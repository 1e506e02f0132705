import { instant } from '../../functions/shared/instant.ts';
import { inColumns } from '../shared/columns.ts';
import { Refusal } from '../shared/errors.ts';
import type { MembersToolDeps } from './deps.ts';
import { findExchanges, type MemberExchange } from './find-exchanges.ts';
import { findGrants, type Found, type FoundGrant } from './find-grants.ts';
import type { MembersCommand } from './flags.ts';
import { payerName, readApps, type App } from './names.ts';
import type { OpenStage } from './open-stage.ts';
import { findTarget, type Target } from './target.ts';
import { endInWords, exchangeInWords } from './words.ts';

const heads = ['GRANT', 'APP', 'SINCE', 'UNTIL', 'STATE'];

const timeOf = (seconds: number | undefined): string => (seconds === undefined ? 'unknown' : instant(seconds));

const stateOf = ({ state, end }: FoundGrant, app: App | undefined): string => {
  if (state === 'ended') return endInWords(end);
  const words = state === 'waiting' ? 'waiting for its code to be redeemed' : 'valid';
  return app?.isRegistered === false ? `${words}, but the app is no longer registered and cannot use it` : words;
};

/** Grants as lines for a person, each with its scope below. */
export const grantLines = (grants: readonly FoundGrant[], apps: ReadonlyMap<string, App>): string[] => {
  const rows = grants.map((grant) => {
    const app = apps.get(grant.partner);
    const named = app === undefined || app.name === app.id ? grant.partner : `${app.name} (${app.id})`;
    const until = grant.state === 'ended' ? grant.end?.at : grant.endsAt;
    const untilText =
      until === undefined && grant.endsAt !== undefined ? `${timeOf(grant.endsAt)} at the latest` : timeOf(until);
    return [grant.grantId, named, timeOf(grant.createdAt), untilText, stateOf(grant, app)];
  });
  const [head = '', ...lines] = inColumns([heads, ...rows]);
  return [head, ...lines.flatMap((line, index) => [line, `  ${grants[index]?.scope ?? ''}`])];
};

const exchangeHeads = ['EXCHANGE', 'PLAN', 'ASKED', 'WHAT', 'CONSENT'];

/** Exchanges as lines for a person. */
const exchangeLines = (exchanges: readonly MemberExchange[], apps: ReadonlyMap<string, App>): string[] =>
  inColumns([
    exchangeHeads,
    ...exchanges.map((one) => [
      one.exchange,
      apps.get(one.partner)?.name ?? one.partner,
      one.asked ?? one.came ?? 'unknown',
      exchangeInWords(one),
      one.about.consent ?? '',
    ]),
  ]);

/** How many of what, as `1 grant` or `2 grants`. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

const nobody = ({ payer }: Target): string =>
  `No grant of this member at ${payerName(payer)} is known here. That says nothing about whether ${payerName(payer)} has such a member.`;

/** Said where nobody was found. Payers give ids that differ in nothing else. */
export const caseMatters = 'Write the patient id exactly as the payer does: upper and lower case matter.';

/** @throws Refusal if neither a grant nor an exchange was found; it also says where it did not look */
export const requireKnown = (
  target: Target,
  { grants, remarks }: Found,
  exchanges: readonly MemberExchange[],
): void => {
  if (grants.length === 0 && exchanges.length === 0)
    throw new Refusal([nobody(target), caseMatters, ...remarks].join('\n'));
};

/**
 * Lists a member's grants.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const findCommand = async (
  stage: OpenStage,
  command: Extract<MembersCommand, { readonly command: 'find' }>,
  deps: MembersToolDeps,
): Promise<number> => {
  const { output, now } = deps;
  const target = await findTarget(stage, command, deps);
  const found = await findGrants(stage, target, { ...command, now: Math.floor(now() / 1000), note: output.note });
  const exchanges =
    target.member === undefined || target.grant !== undefined
      ? []
      : await findExchanges(await stage.bucket(), target.member, {
          until: instant(Math.floor(now() / 1000)).slice(0, 10),
        });
  requireKnown(target, found, exchanges);
  const living = found.grants.filter(({ state }) => state !== 'ended').length;
  output.out(`${counted(found.grants.length, 'grant')} at ${payerName(target.payer)}, ${living} of them living`);
  const apps = await readApps(
    stage,
    [...found.grants, ...exchanges].map(({ partner }) => partner),
  );
  if (found.grants.length > 0) for (const line of grantLines(found.grants, apps)) output.out(line);
  if (exchanges.length > 0) {
    output.out(`${counted(exchanges.length, 'exchange')} between plans with this member`);
    for (const line of exchangeLines(exchanges, apps)) output.out(line);
  }
  const unindexed = found.grants.filter(({ stored }) => stored === 'unindexed').length;
  if (unindexed > 0 && target.member !== undefined) {
    output.note(
      `${counted(unindexed, 'grant')} without an index: run \`npm run members -- index\`, so that the audit knows the member too.`,
    );
  }
  for (const remark of found.remarks) output.note(remark);
  if (target.member === undefined) output.note('This grant knows no patient: no request of a member finds it.');
  if (command.dryRun) output.note('find changes nothing, with or without --dry-run.');
  return 0;
};
