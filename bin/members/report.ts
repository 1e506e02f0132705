import { access } from 'node:fs/promises';
import { instant } from '../../functions/shared/instant.ts';
import { Refusal } from '../shared/errors.ts';
import { requireWritable, writePrivately } from '../shared/write-whole.ts';
import { csvOf } from './csv.ts';
import type { MembersToolDeps } from './deps.ts';
import { findExchanges } from './find-exchanges.ts';
import { findGrants } from './find-grants.ts';
import { counted, requireKnown } from './find.ts';
import type { MembersCommand } from './flags.ts';
import { readHistory } from './history.ts';
import { readApps } from './names.ts';
import type { OpenStage } from './open-stage.ts';
import { pageOf } from './page.ts';
import type { Report } from './report-content.ts';
import { findTarget } from './target.ts';

type ReportCommand = Extract<MembersCommand, { readonly command: 'report' }>;

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** Which files are there already, as a sentence; undefined if none is. */
const saidOfThere = async (files: readonly string[]): Promise<string | undefined> => {
  const there: string[] = [];
  for (const file of files) if (await isThere(file)) there.push(file);
  return there.length === 0 ? undefined : `${there.join(' and ')} ${there.length === 1 ? 'is' : 'are'} there already.`;
};

/** Asks before files are replaced. @returns whether they may be. @throws Refusal if they may not */
const mayReplace = async (
  files: readonly string[],
  { replace }: ReportCommand,
  { ask }: MembersToolDeps,
): Promise<boolean> => {
  if (replace) return true;
  const said = await saidOfThere(files);
  if (said === undefined) return false;
  if (ask === undefined) throw new Refusal(`${said} Name another file, or give --replace. Nothing was written.`);
  if ((await ask(`${said} Type yes to replace: `)) !== 'yes') throw new Refusal('Nothing was written.');
  return true;
};

const makeReport = async (stage: OpenStage, command: ReportCommand, deps: MembersToolDeps): Promise<Report> => {
  const { output, now } = deps;
  const seconds = Math.floor(now() / 1000);
  const target = await findTarget(stage, command, deps);
  const found = await findGrants(stage, target, { ...command, now: seconds, note: output.note });
  let objects = 0;
  const onRead = (count: number): void => {
    const before = objects;
    objects += count;
    if (Math.floor(objects / 10_000) > Math.floor(before / 10_000))
      output.note(`… ${objects} objects of the audit read`);
  };
  const { since, until } = command;
  const exchanges =
    target.member === undefined || target.grant !== undefined
      ? []
      : await findExchanges(await stage.bucket(), target.member, { since, until }, onRead);
  requireKnown(target, found, exchanges);
  const places = { bucket: await stage.bucket(), exports: await stage.exports() };
  const period = { since: command.since, until: command.until, today: instant(seconds).slice(0, 10) };
  const history = await readHistory(places, found.grants, period, onRead);
  return {
    payer: target.payer,
    patient: target.member?.patient,
    grant: target.grant,
    apps: await readApps(
      stage,
      [...found.grants, ...exchanges].map(({ partner }) => partner),
    ),
    history,
    exchanges,
    hasExchanges: (await stage.exchanges()) !== undefined,
    remarks: found.remarks,
    since: command.since,
    until: command.until,
    stage: stage.config.stage,
    runBy: stage.config.operator?.name,
    auditDays: stage.config.retention.auditDays,
    madeAt: instant(seconds),
    madeBy: stage.operator.arn,
  };
};

/**
 * Writes who read a member's record.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const reportCommand = async (
  stage: OpenStage,
  command: ReportCommand,
  deps: MembersToolDeps,
): Promise<number> => {
  const { output } = deps;
  const names = [command.html, command.csv].filter((file) => file !== undefined);
  for (const file of names) await requireWritable(file);
  const replaces = command.dryRun ? command.replace : await mayReplace(names, command, deps);
  const report = await makeReport(stage, command, deps);
  const { grants, reads } = report.history;
  const inExchanges = report.exchanges.length === 0 ? '' : `, and ${counted(report.exchanges.length, 'exchange')}`;
  const what = `${counted(grants.length, 'grant')} and ${counted(reads.length, 'read')}${inExchanges}`;
  for (const remark of report.remarks) output.note(remark);
  if (command.dryRun) {
    const said = command.replace ? undefined : await saidOfThere(names);
    if (said !== undefined) output.note(`${said} Only with --replace, or if you agree, would this be written over it.`);
    output.note(`Would write ${names.join(' and ')} with ${what}. Nothing was written.`);
    return 0;
  }
  const files = [
    ...(command.html === undefined ? [] : [{ file: command.html, text: pageOf(report) }]),
    ...(command.csv === undefined ? [] : [{ file: command.csv, text: csvOf(report) }]),
  ];
  await writePrivately(files, replaces);
  output.note(
    `${names.join(' and ')} ${names.length === 1 ? 'has' : 'have'} ${what}. This is about one member's health: only you may read ` +
      `${names.length === 1 ? 'it' : 'them'} on this machine. Delete what you no longer need.`,
  );
  return 0;
};
