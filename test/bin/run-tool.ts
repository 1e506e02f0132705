import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** How a tool ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The part of this process's environment that a tool gets: no flags of the test runner, no credentials. */
export const toolEnvironment = (): Record<string, string | undefined> => ({
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
});

/**
 * Runs a tool of `bin/` from its command line, in a separate process, and collects its output.
 * @param input what is piped in. @default nothing
 */
export const runTool = async (
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
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
};
