import { randomUUID } from 'node:crypto';
import { causeOf, GatewayError } from '../../functions/shared/errors.ts';
import { endAllGrants, endGrant, type Ended } from '../../functions/shared/store/member-grants.ts';
import { Refusal, UsageError } from '../shared/errors.ts';
import type { MembersToolDeps } from './deps.ts';
import { endInGroups, findGroups, groupLines } from './end-in-groups.ts';
import { findStored, type FoundGrant } from './find-grants.ts';
import { caseMatters, counted, grantLines } from './find.ts';
import type { MembersCommand } from './flags.ts';
import { howToEndThere, payerName, readApps } from './names.ts';
import type { OpenStage } from './open-stage.ts';
import { findTarget, type Target } from './target.ts';

type EndCommand = Extract<MembersCommand, { readonly command: 'end' }>;

const isLiving = ({ state }: FoundGrant): boolean => state !== 'ended';

/** Ends one grant. @returns what happened, as a line; undefined if it could not be ended */
const endOne = async (
  { grants: table, operator, indexOf }: OpenStage,
  { member }: Target,
  { grantId, partner, memberIndex: stored }: FoundGrant,
  { reason, now }: { readonly reason: string; readonly now: number },
): Promise<{ readonly line: string; readonly failed: boolean }> => {
  const by = { operator: operator.arn, note: reason };
  try {
    const memberIndex = stored ?? (member && (await indexOf(member)));
    const stops = memberIndex === undefined ? undefined : { memberIndex, partner };
    const ended = await endGrant(table, { grantId, stops }, by, { now, requestId: randomUUID() });
    return { line: `${grantId}  ${ended ? 'ended' : 'had ended in the meantime'}`, failed: false };
  } catch (error) {
    const cause = error instanceof GatewayError ? error.detail : causeOf(error);
    return { line: `${grantId}  NOT ENDED (${cause})`, failed: true };
  }
};

/** @throws UsageError if a command that ends grants was not agreed to, and there is no terminal to ask at */
export const requireYesOrTerminal = (
  { yes, dryRun }: Pick<EndCommand, 'yes' | 'dryRun'>,
  { ask }: Pick<MembersToolDeps, 'ask'>,
): void => {
  if (!yes && !dryRun && ask === undefined) {
    throw new UsageError(
      'Give --yes, or --dry-run to see what would end: there is no terminal to ask at. Nothing was changed.',
    );
  }
};

/** @throws Refusal if the person does not agree */
const requireConsent = async (
  { grants, groups }: { readonly grants: number; readonly groups: number },
  { yes }: EndCommand,
  { ask }: MembersToolDeps,
): Promise<void> => {
  if (yes) return;
  const these = grants === 1 ? 'this grant' : `these ${grants} grants`;
  const inGroups = `the member in ${counted(groups, 'Group')}`;
  const what = groups === 0 ? these : grants === 0 ? inGroups : `${these}, and ${inGroups}`;
  const answer = await ask?.(`Type yes to end ${what}: `);
  if (answer !== 'yes') throw new Refusal('Nothing was changed.');
};

/** Ends grants, looks again for new ones, and goes on until there are none. */
const endAll = (
  stage: OpenStage,
  target: Target,
  first: readonly FoundGrant[],
  { reason }: EndCommand,
  { output, now, wait }: MembersToolDeps,
): Promise<Ended> => {
  const end = async (grant: FoundGrant): Promise<boolean> => {
    const { line, failed } = await endOne(stage, target, grant, { reason, now: Math.floor(now() / 1000) });
    output.out(line);
    return !failed;
  };
  const findLiving = async (): Promise<FoundGrant[]> => {
    // New grants have an index, so the table is not read again.
    const options = { indexOnly: true, now: Math.floor(now() / 1000), note: output.note };
    const living = (await findStored(stage, target, options)).grants.filter(isLiving);
    if (living.length > 0)
      output.note(`The member has signed in again in the meantime: ${counted(living.length, 'new grant')}.`);
    return living;
  };
  return endAllGrants(first, { end, findLiving: target.grant === undefined ? findLiving : undefined, wait });
};

/** The note about apps that present identity tokens, if the member of the ended grant is known. */
const approvalsEnd =
  'An approval from before the end, which the app may have for a call with an identity token, makes no grant any more.';

const afterwards = ({ payer, member, grant }: Target, loginMinutes: number): string[] => [
  "Every token of an ended grant is refused from now on, and an export of it stops and loses its files. The payer's own tokens " +
    'cannot be revoked from here, since only the app has their key: they end when they expire, or at the payer.',
  howToEndThere(payer),
  ...(member === undefined ? [] : [approvalsEnd]),
  ...(grant === undefined
    ? [
        `Nothing keeps the member from connecting an app again. A sign-in that is under way can still make a grant for ${loginMinutes} ` +
          'minutes: run the same command again after that.',
      ]
    : []),
];

/**
 * Ends every living grant of a member, or one grant.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const endCommand = async (stage: OpenStage, command: EndCommand, deps: MembersToolDeps): Promise<number> => {
  const { output, now } = deps;
  const target = await findTarget(stage, command, deps);
  const { indexOnly } = command;
  const seconds = Math.floor(now() / 1000);
  const { grants, remarks } = await findStored(stage, target, { indexOnly, now: seconds, note: output.note });
  for (const remark of remarks) output.note(remark);
  // One grant is one app's access. Exchanges belong to the member, not to a grant.
  const groups = target.grant === undefined ? await findGroups(stage, target, deps) : [];
  if (grants.length === 0 && groups.length === 0) {
    const hasExchanges = (await stage.exchanges()) !== undefined;
    const norGroup = hasExchanges ? ', and no Group has the member' : '';
    throw new Refusal(
      `The table has no grant of this member at ${payerName(target.payer)}${norGroup}, so there is nothing to end. \`npm run members -- find\` ` +
        `looks in the audit too. ${hasExchanges ? 'A match that is still asked can make a Group: run the command again when it has ended. ' : ''}${caseMatters}`,
    );
  }
  const living = grants.filter(isLiving);
  if (living.length === 0 && groups.length === 0) {
    const what = target.grant === undefined ? 'Every grant of this member' : 'This grant';
    output.note(`${what} has ended already. Nothing was changed.`);
    return 0;
  }
  const apps = await readApps(
    stage,
    [...living, ...groups].map(({ partner }) => partner),
  );
  const lines = [...(living.length === 0 ? [] : grantLines(living, apps)), ...groupLines(groups, apps)];
  for (const line of lines) output.out(line);
  if (command.dryRun) {
    const inGroups = groups.length === 0 ? '' : `, and the member in ${counted(groups.length, 'Group')},`;
    output.note(
      `Would end ${counted(living.length, 'grant')}${inGroups} as ${stage.operator.arn}. Nothing was changed.`,
    );
    return 0;
  }
  await requireConsent({ grants: living.length, groups: groups.length }, command, deps);
  const { ended, failed: grantsFailed, isDone: areGrantsDone } = await endAll(stage, target, living, command, deps);
  output.note(`${counted(ended, 'grant')} ended as ${stage.operator.arn}.`);
  const groupsFailed =
    target.member === undefined ? 0 : await endInGroups(stage, target.member, groups, { reason: command.reason, deps });
  const isDone = areGrantsDone && groupsFailed === 0;
  if (living.length === 0 && isDone) return 0;
  for (const line of afterwards(target, stage.config.lifetimes.loginAttempt / 60)) output.note(line);
  if (isDone) return 0;
  const failed = [
    ...(grantsFailed > 0 ? [counted(grantsFailed, 'grant')] : []),
    ...(groupsFailed > 0 ? [`the member in ${counted(groupsFailed, 'Group')}`] : []),
  ];
  output.note(
    failed.length > 0
      ? `${failed.join(' and ')} could NOT be ended, as listed above. Run the same command again: it ends only what is still live.`
      : 'The member signs in again and again. Run the same command again, or block the app: npm run partners -- block NAME',
  );
  return 3;
};
