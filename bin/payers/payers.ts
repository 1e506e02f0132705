import type { StageConfig } from '../../config/stage.ts';
import { readAssembly } from '../shared/assembly.ts';
import { requireAccount } from '../shared/caller.ts';
import { damagedEntry } from '../shared/damaged-entry.ts';
import { Refusal } from '../shared/errors.ts';
import { progressBar, type Terminal } from '../shared/progress.ts';
import { stageSecretsClient } from '../shared/secrets-manager.ts';
import { readStage, stageFile } from '../shared/stage-flags.ts';
import { runList, runStop } from '../shared/stop-tool.ts';
import { checkPayers } from './check.ts';
import { learnPayer, writeKeyPair } from './commands.ts';
import { readDraft } from './draft.ts';
import { listDrift, proposeChange } from './drift.ts';
import type { ExamineDeps } from './examine.ts';
import { readFlags, type PayersCommand } from './flags.ts';
import { importPayers } from './import.ts';
import { printMapping } from './mapping.ts';
import { payerPause } from './pause.ts';
import type { FoundPayer } from './registry-findings.ts';
import { readSecretWith } from './secret.ts';
import { payersInFile, payersOfStage } from './source.ts';
import { writeSecret, type SecretDeps } from './write-secret.ts';

/** What the tool needs that tests replace. */
export interface PayersToolDeps extends Omit<ExamineDeps, 'readSecret'>, SecretDeps {
  /** Draws a progress bar. @default none */
  readonly terminal: Terminal | undefined;
}

type Command<Name extends PayersCommand['command']> = Extract<PayersCommand, { readonly command: Name }>;

const learn = async (command: Command<'learn'>, deps: PayersToolDeps): Promise<number> => {
  const config = await readStage(command);
  const { url, origin = config.origin, further, json } = command;
  const options = { file: stageFile(command, config), origin, further, json };
  // What is no URL is refused as one, unless it is the file of a draft.
  const draft = url.endsWith('.json') && !url.includes('://') ? await readDraft(url) : undefined;
  return learnPayer(deps, deps.output, { ...options, draft }, draft?.fhirBaseUrl ?? url);
};

/** The payers that a command is about, those in the registry or in the file. */
const payersFor = async (
  command: Command<'check' | 'drift'>,
  config: StageConfig,
  id: string | undefined,
  { environment, output }: PayersToolDeps,
): Promise<readonly FoundPayer[]> => {
  if (command.file) return payersInFile(config, id);
  const source = { config, file: stageFile(command, config), environment, id };
  // npm start makes its own key pairs, which only its registry has.
  return payersOfStage(source, { evenIfUnreadable: config.stage !== 'local', note: output.note });
};

const check = async (command: Command<'check'>, deps: PayersToolDeps): Promise<number> => {
  const { target: id, json } = command;
  const { environment, output, clock, terminal } = deps;
  const config = await readStage(command);
  if (!(command.file && command.noSecrets)) await requireAccount(config, environment, 'payers');
  const payers = await payersFor(command, config, id, deps);
  const readSecret = command.noSecrets ? undefined : readSecretWith(stageSecretsClient(config, environment));
  const progress = progressBar(terminal, payers.length, clock.monotonic);
  const origin = command.origin ?? config.origin;
  const { identityProviders } = config;
  return checkPayers({ ...deps, readSecret, identityProviders }, output, {
    stage: config.stage,
    payers,
    origin,
    json,
    progress,
  });
};

const drift = async (command: Command<'drift'>, deps: PayersToolDeps): Promise<number> => {
  const { ids, propose, json } = command;
  const { environment, output, clock, terminal } = deps;
  const config = await readStage(command);
  if (!command.file) await requireAccount(config, environment, 'payers');
  const asked = propose === undefined ? ids : [propose];
  const each = await Promise.all(
    asked.length === 0
      ? [payersFor(command, config, undefined, deps)]
      : asked.map((id) => payersFor(command, config, id, deps)),
  );
  const payers = each.flat();
  if (propose !== undefined) {
    const [found] = payers;
    if (found?.payer === undefined) throw new Refusal(damagedEntry(propose));
    return proposeChange(deps, output, found.payer);
  }
  const progress = progressBar(terminal, payers.length, clock.monotonic);
  return listDrift(deps, output, { payers, json, progress });
};

const importFrom = async (command: Command<'import'>, deps: PayersToolDeps): Promise<number> => {
  const { clock, terminal, output } = deps;
  const { payers: known } = await readStage(command);
  const { from, out: folder, dryRun } = command;
  const progressOf = (total: number) => progressBar(terminal, total, clock.monotonic);
  return importPayers(deps, output, { from, folder, dryRun, known, progressOf });
};

const mapping = async (command: Command<'mapping'>, { environment, output }: PayersToolDeps): Promise<number> => {
  const [config, assembly] = [await readStage(command), await readAssembly(command.assembly)];
  await requireAccount(config, environment, 'payers');
  return printMapping({ config, assembly }, stageSecretsClient(config, environment), output);
};

/**
 * Checks payers, learns what one publishes, lists what payers have changed, imports payers, makes a key pair for one, puts its secret into Secrets Manager, pauses
 * payers, and lists them.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const payers = async (args: readonly string[], deps: PayersToolDeps): Promise<number> => {
  const nowMs = deps.now();
  const command = readFlags(args, nowMs);
  switch (command.command) {
    case 'check':
      return check(command, deps);
    case 'import':
      return importFrom(command, deps);
    case 'drift':
      return drift(command, deps);
    case 'learn':
      return learn(command, deps);
    case 'key':
      return writeKeyPair(deps.output, command);
    case 'secret':
      return writeSecret(command, deps);
    case 'pause':
    case 'resume':
      return runStop(
        payerPause,
        { ...command, nameOrId: command.id, ends: command.command === 'resume' },
        { ...deps, nowMs },
      );
    case 'mapping':
      return mapping(command, deps);
    case 'list':
      return runList(payerPause, { ...command, onlyStopped: command.paused }, { ...deps, nowMs });
  }
};
