import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCommand, runTool } from '../../bin/shared/command-line.ts';
import { Refusal } from '../../bin/shared/errors.ts';
import { closersOf } from '../../sandbox/closers.ts';
import { startLocalStack } from '../../sandbox/stack.ts';
import { writeStage } from '../support/stage-files.ts';
import { spec, type Flags } from './flags.ts';
import { sampleMemory, type Seen } from './memory.ts';
import { countUnexpected, nothingSeen, type Observations } from './observations.ts';
import { soakPartner, type SoakPartner } from './partner.ts';
import { startSoakPayer } from './payer.ts';
import { reportOf } from './report.ts';

/** `npm run soak -- --minutes 10 --rate 50`. */
const seed = 1;
const secret = 'demo-partner-secret';
const memoryEveryMs = 60_000;
const canaryEveryMs = 60_000;
/** For the last operations, which a silent payer delays. */
const endingMs = 80_000;
/** A read that the payer never answers holds a process for more than a minute. */
const environments = 60;
/** How many grants are held at once: so few that each is used again and again. */
const fewest = 20;
const most = 300;

/** The mix of operations, which keeps the number of grants between the two. */
const chooseOperation = (partner: SoakPartner, chance: number): (() => Promise<void>) => {
  if (partner.held() < fewest) return partner.login;
  if (chance < 0.12) return partner.held() < most ? partner.login : partner.revoke;
  if (chance < 0.3) return partner.refresh;
  return chance < 0.92 ? partner.read : partner.revoke;
};

/** Starts operations at the rate, whether or not the earlier ones have ended. */
const load = async (
  partner: SoakPartner,
  flags: Flags,
  observations: Observations,
  signal: AbortSignal,
): Promise<void> => {
  const startedAt = performance.now();
  const underWay = new Set<Promise<void>>();
  const mostUnderWay = Math.max(200, flags.rate * 10);
  for (let begun = 0; !signal.aborted && begun < flags.minutes * 60 * flags.rate; begun += 1) {
    const dueMs = startedAt + (begun * 1000) / flags.rate - performance.now();
    if (dueMs > 0) await sleep(dueMs, undefined, { signal }).catch(() => undefined);
    if (underWay.size >= mostUnderWay) {
      observations.notBegun += 1;
      continue;
    }
    const operation = chooseOperation(partner, Math.random())().catch((error: unknown) => {
      countUnexpected(observations, error instanceof Error ? error.name : 'error');
    });
    underWay.add(operation);
    void operation.finally(() => underWay.delete(operation));
  }
  await Promise.race([Promise.all(underWay), sleep(endingMs, undefined, { ref: false })]);
};

/** Repeats something at an interval; returns a function that stops it. */
const every = (ms: number, work: () => Promise<unknown>): (() => void) => {
  const timer = setInterval(() => void work().catch(() => undefined), ms);
  return () => clearInterval(timer);
};

const soak = async (flags: Flags, signal: AbortSignal): Promise<boolean> => {
  const { opened, closeAll } = closersOf();
  const folder = await mkdtemp(join(tmpdir(), 'gateway-soak-'));
  const observations = nothingSeen();
  try {
    const payer = opened(await startSoakPayer(seed, ['northwind', 'demo-health-plan']));
    const rate = { perSecond: 1000, burst: 1000 };
    const files = await writeStage(folder, { payerPort: payer.port, clientSecret: secret, partner: { rate } });
    const { configFile, secretsFile } = files;
    const stack = opened(await startLocalStack({ ports: 'free', configFile, secretsFile, environments, signal }));
    payer.register(stack.origin, files.payers, { 'demo-health-plan': secret });
    const partner = soakPartner({ origin: stack.origin, secret, payer, observations, random: Math.random });
    const seen: Seen = new Map();
    const stops = [
      every(memoryEveryMs, () => sampleMemory(stack, seen, observations)),
      every(canaryEveryMs, () => stack.invoke('canary', {})),
    ];
    process.stdout.write(`${flags.minutes} minutes at ${flags.rate} operations a second\n`);
    const startedAt = performance.now();
    const endedAt = startedAt + flags.minutes * 60_000;
    await load(partner, flags, observations, signal);
    await partner.introspectAll();
    await stack.streamsIdle();
    for (const stop of stops) stop();
    const { text, kept } = reportOf(observations, { startedAt, endedAt, flags });
    const faults = Object.entries(payer.faults).map(([fault, times]) => `${fault} ${times}`);
    const complaints = [...new Set(payer.misuse)].map((what) => `The payer's complaint: the gateway ${what}\n`);
    process.stdout.write(`${text}\nThe payer's faults: ${faults.join(', ')}\n${complaints.join('')}`);
    return kept && complaints.length === 0;
  } finally {
    await closeAll();
    await rm(folder, { recursive: true });
  }
};

await runTool(spec, async (args) => {
  const flags = readCommand(spec, args);
  if (process.platform !== 'linux') throw new Refusal('The soak looks at memory in /proc: run it on Linux');
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  return (await soak(flags, interrupted.signal)) ? 0 : 1;
});
