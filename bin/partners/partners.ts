import { readStage, stageFile, type StageFlags } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { writeNewPartner, writeRotated, type EditedStage } from './commands.ts';
import { help, readFlags } from './flags.ts';
import { readJwks } from './new-partner.ts';
import type { RandomBytes } from './secret.ts';

/** What the tool is given from outside. */
export interface PartnersToolDeps {
  readonly randomBytes: RandomBytes;
  readonly output: Output;
}

const editedStage = async (flags: StageFlags): Promise<EditedStage> => {
  const config = await readStage(flags);
  return { config, file: stageFile(flags, config) };
};

/**
 * Makes a partner's client, or a second secret for it.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const partners = async (args: readonly string[], { randomBytes, output }: PartnersToolDeps): Promise<number> => {
  const command = readFlags(args);
  if (command === 'help') {
    output.out(help);
    return 0;
  }
  const stage = await editedStage(command.stage);
  if (command.command === 'rotate') return writeRotated(randomBytes, output, stage, command);
  const jwks = command.jwksFile === undefined ? undefined : await readJwks(command.jwksFile);
  return writeNewPartner(randomBytes, output, stage, { ...command, jwks });
};
