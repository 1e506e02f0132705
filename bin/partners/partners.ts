import { readStage, stageFile, type StageFlags } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import type { Wait } from '../shared/patience.ts';
import { runList, runStop } from '../shared/stop-tool.ts';
import { partnerBlock } from './block.ts';
import { writeNewPartner, writeRotated, type EditedStage } from './commands.ts';
import { help, readFlags, type BlockCommand, type PartnersCommand } from './flags.ts';
import { readJwks, readLogo } from './new-partner.ts';
import { runReplay } from './replay.ts';
import type { RandomBytes } from './secret.ts';
import { runWebhook } from './webhook.ts';

/** What the tool is given from outside. */
export interface PartnersToolDeps {
  readonly randomBytes: RandomBytes;
  readonly output: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** @default real time */
  readonly wait?: Wait;
}

const editedStage = async (flags: StageFlags): Promise<EditedStage> => {
  const config = await readStage(flags);
  return { config, file: stageFile(flags, config) };
};

const isBlock = (command: PartnersCommand): command is BlockCommand =>
  command.command === 'block' || command.command === 'unblock';

/**
 * Makes a partner's client, or a second secret for it; blocks partners, and lists them; manages their webhooks.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const partners = async (args: readonly string[], deps: PartnersToolDeps): Promise<number> => {
  const { randomBytes, output } = deps;
  const command = readFlags(args);
  if (command === 'help') {
    output.out(help);
    return 0;
  }
  if (isBlock(command)) return runStop(partnerBlock, { ...command, ends: command.command === 'unblock' }, deps);
  if (command.command === 'list') {
    return runList(partnerBlock, { stage: command.stage, onlyStopped: command.onlyBlocked }, deps);
  }
  if (command.command === 'webhook') return runWebhook(command, deps);
  if (command.command === 'replay') return runReplay(command, deps);
  const stage = await editedStage(command.stage);
  if (command.command === 'rotate') return writeRotated(randomBytes, output, stage, command);
  const jwks = command.jwksFile === undefined ? undefined : await readJwks(command.jwksFile);
  const logo = command.logoFile === undefined ? undefined : await readLogo(command.logoFile);
  return writeNewPartner(randomBytes, output, stage, { ...command, jwks, logo });
};
