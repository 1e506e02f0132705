/**
 * Runs the CDK's app for local stacks, over HTTP: the same file as a process of its own, but the modules that it imports
 * are loaded once for all stacks of a run. Loading them is six sevenths of a synthesis.
 */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { listen } from '../../sandbox/aws/listen.ts';

const app = join(import.meta.dirname, '..', '..', 'bin', 'app.ts');
let runs = 0;

/** @param environment the variables that tell the app what to do @returns what it says of its failure; empty if it worked */
const run = async (environment: Readonly<Record<string, string>>): Promise<string> => {
  runs += 1;
  Object.assign(process.env, environment);
  const said: unknown[] = [];
  console.error = (line: unknown) => said.push(line);
  // A module is evaluated once for each of its addresses.
  await import(`${app}?run=${runs}`);
  // There the app would write its assembly again.
  process.removeAllListeners('beforeExit');
  process.exitCode = 0;
  return said.join('\n');
};

/** One at a time, since they share the variables. */
let last: Promise<unknown> = Promise.resolve();

const server = createServer((request, response) => {
  const failed = (error: unknown): void =>
    void response.writeHead(500).end(error instanceof Error ? error.stack : String(error));
  last = last
    .then(async () => run(JSON.parse(await text(request)) as Record<string, string>))
    .then((said) => (said === '' ? response.end() : failed(said)), failed);
});
server.keepAliveTimeout = 0;
process.send?.(await listen(server, 0, '127.0.0.1'));
// The parent process has ended, in whatever way.
process.once('disconnect', () => process.exit());
