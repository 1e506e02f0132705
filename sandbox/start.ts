import { runTool } from '../bin/shared/command-line.ts';
import { output } from '../bin/shared/output.ts';
import { progressBar, terminalOf } from '../bin/shared/progress.ts';
import { noteRunning } from '../bin/shared/running-stack.ts';
import { startSteps } from './aws/cloud.ts';
import { functionLogLine, requestLogLine, welcome } from './console.ts';
import { refuseFlagsOfNpm } from './npm-flags.ts';
import { startLocalStack } from './stack.ts';
import { optionsOf, spec } from './start-flags.ts';

const say = (line: string | undefined): void => {
  if (line !== undefined) output.out(line);
};

await runTool(spec, async (args) => {
  refuseFlagsOfNpm(spec, process.env);
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
  const progress = progressBar(terminalOf(process), startSteps.length, () => performance.now());
  output.out('Starting …');
  const stack = await startLocalStack({
    ...options,
    // On a busy machine, wait instead of failing.
    awsWaitFactor: 20,
    onStep: (step) => progress.show(startSteps.indexOf(step), step),
    log: (service, line) => say(requestLogLine(service, line)),
    onFunctionLog: (name, line) => say(functionLogLine(name, line)),
    signal: stopping.signal,
  }).finally(progress.clear);
  // A page may show secrets of the sandbox's clients, which no tool needs.
  const { indexPage: _page, ...config } = stack.config;
  const served = options.configFile === undefined ? { config } : {};
  const forget = await noteRunning({ pid: process.pid, ports: stack.ports, ...served });
  say(welcome(stack));
  await signaled;
  await forget();
  await stack.close();
  return 0;
});
