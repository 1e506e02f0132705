import { join } from 'node:path';
import { outgoingPorts } from '../../config/account/outgoing-ports.ts';
import { requireDeployable } from '../../config/checks/deployable.ts';
import { registryData } from '../../config/checks/load.ts';
import type { StageConfig } from '../../config/stage.ts';
import { instant } from '../../functions/shared/instant.ts';
import { everywhereSeconds } from '../../functions/shared/registry/everywhere.ts';
import { Refusal, UsageError } from '../shared/errors.ts';
import { progressBar } from '../shared/progress.ts';
import { missingReason, requireReason } from '../shared/reason.ts';
import type { OpenRegistry } from '../shared/registry-table.ts';
import { applyChanges } from './apply.ts';
import { checkoutOf, type Checkout } from './checkout.ts';
import { lookAt } from './compare-with-table.ts';
import { differs, type Comparison } from './compare.ts';
import type { RegistryToolDeps } from './deps.ts';
import type { ApplyCommand } from './flags.ts';
import { ageOf, type Age, type AppliedFile } from './last-apply.ts';
import { diffLines, exchangesSentences, grantsSentence, type Diff } from './tell-diff.ts';

const root = join(import.meta.dirname, '../..');

/** Where the stage's file is on disk, wherever the tool was started. */
const pathOf = (command: ApplyCommand, config: StageConfig): string =>
  command.config ?? join(root, 'config', `${config.stage}.ts`);

const appliedFile = (file: string, checkout: Checkout | undefined): AppliedFile =>
  checkout === undefined ? { file } : { file, commit: checkout.commit, uncommitted: checkout.uncommitted };

/** @throws Refusal if the file is older than the one that was applied last, and nobody said that this is wanted */
const requireNotOlder = (age: Age, { overNewer }: ApplyCommand): void => {
  if (age.is === 'older' && !overNewer) {
    throw new Refusal(`${age.why} To apply the older file anyway, give --over-newer. Nothing was changed.`);
  }
};

/** Ports that the functions' security group does not let them connect to before the next deployment. */
const portsSentence = (
  { stage, network, existing }: StageConfig,
  { before, after }: Comparison,
): string | undefined => {
  const known = new Set(outgoingPorts(before));
  const added = outgoingPorts(after).filter((port) => !known.has(port));
  if (added.length === 0 || (network === 'none' && existing?.vpc === undefined)) return undefined;
  const own = existing?.vpc?.securityGroupId;
  const until =
    own === undefined ? `before a deployment: npx cdk deploy -c stage=${stage}.` : `unless ${own} lets them out there.`;
  return `Functions cannot connect to port ${added.join(', ')} ${until}`;
};

/** Warnings to confirm before the table is changed. */
const warningsOf = (config: StageConfig, age: Age, { grants, exchanges, last, comparison }: Diff): string[] => [
  ...(age.is === 'newer' ? [] : [age.why]),
  ...(age.is === 'unknown' && last !== undefined
    ? [`The table is at version ${last.version}, of ${instant(last.at)}.`]
    : []),
  ...[grantsSentence(grants), ...exchangesSentences(exchanges), portsSentence(config, comparison)].filter(
    (sentence) => sentence !== undefined,
  ),
];

/** @throws Refusal if there are warnings, and nobody agrees */
const requireConsent = async (
  warnings: readonly string[],
  { yes }: ApplyCommand,
  { ask, output }: RegistryToolDeps,
): Promise<void> => {
  if (warnings.length === 0) return;
  const text = warnings.join(' ');
  if (yes) {
    output.note(text);
    return;
  }
  if (ask === undefined) throw new Refusal(`${text} To go on, give --yes. Nothing was changed.`);
  if ((await ask(`${text} Type yes to go on: `)) !== 'yes') throw new Refusal('Nothing was changed.');
};

const reasonFor = async ({ reason }: ApplyCommand, { ask }: RegistryToolDeps): Promise<string> =>
  reason ?? requireReason(await ask?.('Why? '), true);

/**
 * Makes the table match the stage's file.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const applyCommand = async (
  config: StageConfig,
  registry: OpenRegistry,
  command: ApplyCommand,
  deps: RegistryToolDeps,
): Promise<number> => {
  const { now, output, terminal, git } = deps;
  const [path, { table, operator }] = [pathOf(command, config), registry];
  // A stand-in for AWS reaches payers on this machine.
  if (!operator.isStandIn) requireDeployable(config, path);
  const diff = await lookAt(config, registry, command, Math.floor(now() / 1000));
  const checkout = await checkoutOf(git, path);
  const age = await ageOf(git, checkout, diff.last);
  output.out(diffLines(diff).join('\n'));
  if (!differs(diff.comparison)) return 0;
  requireNotOlder(age, command);
  const warnings = warningsOf(config, age, diff);
  if (command.dryRun) {
    output.note([...warnings, `Would apply this as ${operator.arn}. Nothing was changed.`].join(' '));
    return 0;
  }
  const reason = await reasonFor(command, deps);
  await requireConsent(warnings, command, deps);

  let progress: ReturnType<typeof progressBar> | undefined;
  const changed = { changedAt: Math.floor(now() / 1000), changedBy: operator.arn, reason };
  try {
    const version = await applyChanges(
      {
        table,
        wanted: registryData(config),
        file: appliedFile(diff.source, checkout),
        changed,
        onWait: output.note,
        onWritten: (written, of) => {
          progress ??= progressBar(terminal, of, now);
          progress.show(written);
        },
      },
      diff.comparison,
    );
    progress?.clear();
    output.note(
      `Applied as ${operator.arn}, version ${version}. It takes effect everywhere within ${everywhereSeconds} seconds.`,
    );
    return 0;
  } finally {
    progress?.clear();
  }
};

/** @throws UsageError if a change has no reason, and there is no terminal to ask at */
export const requireReasonOrTerminal = (
  { reason, dryRun }: ApplyCommand,
  { ask }: Pick<RegistryToolDeps, 'ask'>,
): void => {
  if (reason === undefined && !dryRun && ask === undefined) throw new UsageError(missingReason);
};
