import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const script = join(import.meta.dirname, 'request-ahead.ts');

// In a process of its own, since Jest handles what is unhandled, and Lambda does not.
it('a page requested ahead that is rejected before its turn does not end the process: the leg is tried again', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script]);

  expect(stdout).toBe('completed, 202 resources, page 2 asked for 2 times\n');
});
