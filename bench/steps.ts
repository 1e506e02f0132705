import { auditedRead } from './subjects/audit.ts';
import { authorize } from './subjects/authorize.ts';
import { coldStart } from './subjects/cold-start.ts';
import { download } from './subjects/download.ts';
import { exchange } from './subjects/exchange.ts';
import { exportRecord } from './subjects/export.ts';
import { fetch2Kb } from './subjects/fetch.ts';
import { firstCalls } from './subjects/first-calls.ts';
import { growth } from './subjects/growth.ts';
import { identity } from './subjects/identity.ts';
import { large } from './subjects/large.ts';
import { parallel } from './subjects/parallel.ts';
import { refresh } from './subjects/refresh.ts';
import { rewriter } from './subjects/rewriter.ts';
import { scale } from './subjects/scale.ts';
import { signIn } from './subjects/sign-in.ts';
import type { Step } from './subjects/step.ts';

/** The parts of the benchmark, in the order that they run. */
export const steps: readonly Step[] = [
  authorize,
  signIn,
  identity,
  refresh,
  fetch2Kb,
  firstCalls,
  auditedRead,
  parallel,
  large,
  exportRecord,
  exchange,
  download,
  rewriter,
  growth,
  scale,
  coldStart,
];
