import { createPrivateKey } from 'node:crypto';
import { readOrExit } from '../bin/shared/command-line.ts';
import { exit } from '../bin/shared/exit.ts';
import { output } from '../bin/shared/output.ts';
import { progressBar, terminalOf } from '../bin/shared/progress.ts';
import { visibleText } from '../config/checks/visible.ts';
import { readClients } from './clients.ts';
import { runExchangeDemo } from './demo/exchange.ts';
import { runExportDemo } from './demo/export.ts';
import { spec } from './demo/flags.ts';
import { resultLines, stepLines } from './demo/print.ts';
import { StepError } from './demo/step.ts';
import type { StepReport } from './demo/step.ts';
import { expectationOf, runDemo } from './demo/steps.ts';
import type { DemoResult } from './demo/steps.ts';
import type { Progress } from './partner/exports.ts';
import { demoPartnerKey, newPlanKey } from './sign-in/demo-partner-key.ts';
import { memberNamed } from './sign-in/member.ts';
import { startLocalStack, type LocalStack } from './stack.ts';

/**
 * `npm run demo [-- --member claims] [--identity] [--export] [--exchange]`: starts a stack, makes the three calls of a partner app, and stops it.
 * With `--identity`, the member has no account at the payer, and proves who they are instead.
 * With `--export`, it exports the whole record instead of reading it page by page.
 * With `--exchange`, another plan's own system asks for three members, and exports the records of those who are matched.
 */
const payerId = 'demo-health-plan';
/** The app of the README's three calls. */
const partner = { clientId: 'my-app', redirectUri: 'http://localhost:5210/callback' };

/** The app that may present its members' identities. */
const demoPartner = { clientId: 'demo-partner', redirectUri: 'http://localhost:3002/callback' };

const asked = await readOrExit(spec);
const { json, member } = asked;
if (asked.exchange && (asked.identity || asked.export)) {
  output.note('--exchange has no member who signs in, and exports by itself; leave out --identity and --export');
  await exit(2);
}
const startedMs = performance.now();
const steps: StepReport[] = [];
const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
const tell = (text: string) => (json ? undefined : process.stdout.write(visibleText(text)));

const terminal = json ? undefined : terminalOf(process);
let bar: ReturnType<typeof progressBar> | undefined;

const showProgress = ({ resources = 0, resourcesTotal, typesDone = 0, typesTotal }: Progress): void => {
  const total = resourcesTotal ?? typesTotal;
  if (total === undefined) return;
  bar ??= progressBar(terminal, total, () => performance.now());
  if (resourcesTotal === undefined) bar.show(typesDone, `types, ${resources} resources`);
  else bar.show(resources, 'resources');
};

const showStep = (step: StepReport): void => {
  bar?.clear();
  steps.push(step);
  tell(stepLines(step));
};

const exchange = ({ urls, config }: LocalStack, payer: LocalStack['config']['payers'][number]): Promise<DemoResult> => {
  const plan = config.partners.find((one) => one.exchange !== undefined);
  const [own] = plan?.exchange?.identifiers ?? [];
  const [former] = payer.exchange?.identifiers ?? [];
  if (plan === undefined || own === undefined || former === undefined) {
    throw new StepError('start', `the stage has no plan that may ask ${payerId} for records`);
  }
  const { kid, privateKey } = newPlanKey();
  const parts = {
    gatewayOrigin: urls.gateway,
    payerId,
    payerBase: payer.fhirBaseUrl,
    clientId: plan.clientId,
    key: { kid, privateKey: createPrivateKey(privateKey) },
    plans: { former, own },
    signal: stopping.signal,
  };
  return runExchangeDemo(parts, { step: showStep, progress: showProgress });
};

const runOnOwnStack = async (): Promise<DemoResult> => {
  tell('Starting gateway, payers and partner app on free ports …\n');
  const clients = readClients({ clients: [`${partner.clientId}=${partner.redirectUri}`] }, []);
  const stack = await startLocalStack({ ports: 'free', clients, signal: stopping.signal });
  try {
    const payer = stack.config.payers.find(({ id }) => id === payerId);
    if (!payer) throw new StepError('start', `the stage has no payer ${payerId}`);
    if (asked.exchange) return await exchange(stack, payer);
    const parts = {
      gatewayOrigin: stack.urls.gateway,
      payerId,
      partner: asked.identity ? demoPartner : partner,
      payer: { ...payer, clientSecret: 'demo-health-plan-secret' },
      member: memberNamed(member),
      identity: asked.identity
        ? {
            issuer: stack.urls.identity,
            audience: demoPartner.clientId,
            redirectUri: `${stack.urls.partner}/identity/callback`,
            key: demoPartnerKey(),
            member,
          }
        : undefined,
      signal: stopping.signal,
    };
    const expects = expectationOf(member);
    return asked.export
      ? await runExportDemo(parts, expects, { step: showStep, progress: showProgress })
      : await runDemo(parts, expects, showStep);
  } finally {
    bar?.clear();
    await stack.close();
  }
};

const fail = (error: StepError, result?: DemoResult): void => {
  const failure = { step: error.step, message: error.message };
  if (json) output.out(JSON.stringify({ ...result, agree: false, failure, steps }));
  output.note(`The demo stopped at the step "${error.step}": ${error.message}`);
  process.exitCode = 1;
};

try {
  const result = await runOnOwnStack();
  const ms = Math.round(performance.now() - startedMs);
  tell(resultLines(result));
  tell(`\nDone in ${(ms / 1000).toFixed(1)} s. Names in braces replace this run's secrets.\n`);
  if (!result.agree) fail(new StepError('compare', `${result.differences.length} resources differ`), result);
  else if (json) output.out(JSON.stringify({ ...result, steps, ms }));
} catch (error) {
  fail(
    error instanceof StepError ? error : new StepError('start', error instanceof Error ? error.message : String(error)),
  );
}
