import { readCommand } from '../shared/command-line.ts';
import type { MembersToolDeps } from './deps.ts';
import { endCommand, requireYesOrTerminal } from './end.ts';
import { findCommand } from './find.ts';
import { spec } from './flags.ts';
import { indexCommand } from './index-grants.ts';
import { withStage } from './open-stage.ts';
import { reportCommand } from './report.ts';

/**
 * Finds a member's grants, reports who read the record, ends them, and adds the index to grants without one.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const members = async (args: readonly string[], deps: MembersToolDeps): Promise<number> => {
  const command = readCommand(spec, args, deps.now());
  if (command.command === 'end') requireYesOrTerminal(command, deps);
  return withStage(command, deps, (stage) => {
    switch (command.command) {
      case 'find':
        return findCommand(stage, command, deps);
      case 'report':
        return reportCommand(stage, command, deps);
      case 'end':
        return endCommand(stage, command, deps);
      case 'index':
        return indexCommand(stage, command, deps);
    }
  });
};
