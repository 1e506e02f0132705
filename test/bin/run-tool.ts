import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { outputOf, type Ended } from '../support/run-child.ts';

/** The part of this process's environment that a tool gets: no flags of the test runner, no credentials. */
export const toolEnvironment = (): Record<string, string | undefined> => ({
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
});

/**
 * Runs a tool of `bin/` from its command line, in a separate process, and collects its output.
 * @param input what is piped in. @default nothing
 */
export const runTool = (
  tool: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Ended> => {
  const root = join(import.meta.dirname, '../..');
  const child = spawn(process.execPath, [join(root, 'bin', tool), ...args], {
    cwd: root,
    env: { ...toolEnvironment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  return outputOf(child);
};
