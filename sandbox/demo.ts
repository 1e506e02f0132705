import { parseArgs } from 'node:util';
import { memberNamed, readMemberKey } from './demo/member.ts';
import { resultLines, stepLines } from './demo/print.ts';
import { expectationOf, runDemo, StepError } from './demo/steps.ts';
import type { DemoResult, StepReport } from './demo/steps.ts';
import { startLocalStack } from './stack.ts';

/** `npm run demo [-- --member claims]`: starts a stack, makes the three calls of a partner app, and stops it. */
const payerId = 'demo-health-plan';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, member: { type: 'string', default: 'clinical' } },
});
const { json } = values;
const startedMs = performance.now();
const steps: StepReport[] = [];
const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
const tell = (text: string) => (json ? undefined : process.stdout.write(text));

const runOnOwnStack = async (): Promise<DemoResult> => {
  const member = readMemberKey(values.member);
  tell('Starting gateway, payers and partner app on free ports …\n');
  const stack = await startLocalStack({ ports: 'free', signal: stopping.signal });
  try {
    const payer = stack.config.payers.find(({ id }) => id === payerId);
    if (!payer) throw new StepError('start', `the stage has no payer ${payerId}`);
    return await runDemo(
      {
        gatewayOrigin: stack.urls.gateway,
        payerId,
        partner: {
          clientId: 'demo-partner',
          clientSecret: 'demo-partner-secret',
          redirectUri: `${stack.urls.partner}/callback`,
        },
        payer: { ...payer, clientSecret: 'demo-health-plan-secret' },
        member: memberNamed(member),
        expects: expectationOf(member),
        signal: stopping.signal,
      },
      (step) => {
        steps.push(step);
        tell(stepLines(step));
      },
    );
  } finally {
    await stack.close();
  }
};

const fail = (error: StepError, result?: DemoResult): void => {
  const failure = { step: error.step, message: error.message };
  if (json) process.stdout.write(`${JSON.stringify({ ...result, agree: false, failure, steps })}\n`);
  process.stderr.write(`The demo stopped at the step "${error.step}": ${error.message}\n`);
  process.exitCode = 1;
};

try {
  const result = await runOnOwnStack();
  const ms = Math.round(performance.now() - startedMs);
  tell(resultLines(result));
  tell(`\nDone in ${(ms / 1000).toFixed(1)} s. Names in braces replace this run's secrets.\n`);
  if (!result.agree) fail(new StepError('compare', `${result.differences.length} resources differ`), result);
  else if (json) process.stdout.write(`${JSON.stringify({ ...result, steps, ms })}\n`);
} catch (error) {
  fail(
    error instanceof StepError ? error : new StepError('start', error instanceof Error ? error.message : String(error)),
  );
}
