import { readStage, stageFile, type StageFlags } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { runList, runStop } from '../shared/stop-tool.ts';
import { partnerBlock } from './block.ts';
import { writeNewPartner, writeRotated, type EditedStage } from './commands.ts';
import { help, readFlags, type BlockCommand, type PartnersCommand } from './flags.ts';
import { readJwks } from './new-partner.ts';
import type { RandomBytes } from './secret.ts';

/** What the tool is given from outside. */
export interface PartnersToolDeps {
  readonly randomBytes: RandomBytes;
  readonly output: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

const editedStage = async (flags: StageFlags): Promise<EditedStage> => {
  const config = await readStage(flags);
  return { config, file: stageFile(flags, config) };
};

const isBlock = (command: PartnersCommand): command is BlockCommand =>
  command.command === 'block' || command.command === 'unblock';

/**
 * Makes a partner's client, or a second secret for it; blocks partners, and lists them.
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
  const stage = await editedStage(command.stage);
  if (command.command === 'rotate') return writeRotated(randomBytes, output, stage, command);
  const jwks = command.jwksFile === undefined ? undefined : await readJwks(command.jwksFile);
  return writeNewPartner(randomBytes, output, stage, { ...command, jwks });
};
