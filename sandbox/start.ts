import { exit } from '../bin/shared/exit.ts';
import { ConfigError } from '../config/check.ts';
import { functionLogLine, requestLogLine, welcome } from './console.ts';
import { LocalStackError } from './local-stack-error.ts';
import { startLocalStack } from './stack.ts';
import { help, optionsOf, readFlags } from './start-flags.ts';

const say = (line: string | undefined): void => {
  if (line !== undefined) console.log(line);
};

const run = async (): Promise<void> => {
  const values = readFlags(process.argv.slice(2));
  if (values.help === true) return say(help);
  const stopping = new AbortController();
  const signalled = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        stopping.abort();
        resolve();
      });
    }
  });
  const stack = await startLocalStack({
    ...optionsOf(values),
    log: (service, line) => say(requestLogLine(service, line)),
    onFunctionLog: (name, line) => say(functionLogLine(name, line)),
    signal: stopping.signal,
  });
  say(welcome(stack));
  await signalled;
  await stack.close();
};

try {
  await run();
  await exit(0);
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof LocalStackError)) throw error;
  console.error(error.message);
  await exit(1);
}
