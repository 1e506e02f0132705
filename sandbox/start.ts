import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { runTool } from '../bin/shared/command-line.ts';
import { output } from '../bin/shared/output.ts';
import { runningStackFile } from '../bin/shared/running-stack.ts';
import { functionLogLine, requestLogLine, welcome } from './console.ts';
import { startLocalStack } from './stack.ts';
import { optionsOf, spec } from './start-flags.ts';

const say = (line: string | undefined): void => {
  if (line !== undefined) output.out(line);
};

await runTool(spec, async (args) => {
  const options = optionsOf(args);
  const stopping = new AbortController();
  const signaled = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        stopping.abort();
        resolve();
      });
    }
  });
  const stack = await startLocalStack({
    ...options,
    log: (service, line) => say(requestLogLine(service, line)),
    onFunctionLog: (name, line) => say(functionLogLine(name, line)),
    signal: stopping.signal,
  });
  await mkdir(dirname(runningStackFile), { recursive: true });
  await writeFile(runningStackFile, JSON.stringify({ pid: process.pid, ports: stack.ports }));
  say(welcome(stack));
  await signaled;
  await rm(runningStackFile, { force: true });
  await stack.close();
  return 0;
});
