import { readOrExit } from '../../bin/shared/command-line.ts';
import { floodSpec } from './flags.ts';
import { flood } from './flood.ts';

const { seconds, skewed } = await readOrExit(floodSpec);
const rate = { perSecond: 50, burst: 100 };
const found = await flood({ environments: 20, rate, offered: 100, seconds, skewed });
const allowed = rate.perSecond * found.seconds + rate.burst;

process.stdout.write(
  [
    `20 processes (${skewed} of them with a clock two minutes ahead), ${found.seconds.toFixed(1)} s`,
    `offered   ${found.offered}`,
    `admitted  ${found.admitted} of ${Math.round(allowed)} (${((100 * found.admitted) / allowed).toFixed(1)} %)`,
    `writes    ${found.writes}: ${(found.writes / found.admitted).toFixed(3)} for each read admitted, ${(found.writes / found.offered).toFixed(3)} for each offered`,
    `reads     ${found.reads}; failures ${found.failures}`,
    `shares    ${found.shares.join(' to ')} by process`,
    '',
  ].join('\n'),
);
if (Math.abs(found.admitted / allowed - 1) > 0.1 || found.writes / found.admitted > 0.1) process.exitCode = 1;
