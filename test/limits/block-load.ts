import { setTimeout as delay } from 'node:timers/promises';
import { startLocalStack } from '../../sandbox/stack.ts';
import { runTool } from '../bin/run-tool.ts';
import { connect } from '../e2e/support.ts';
import { eventually } from '../support/eventually.ts';

/** What a fleet under load did when its partner was blocked. Times are seconds after `block` had said that it was done. */
export interface BlockedUnderLoad {
  readonly processes: number;
  /** Answered per second before the block. */
  readonly perSecond: number;
  /** When the last request was sent that was still admitted. */
  readonly lastAdmitted: number;
  /** When the first one was refused. */
  readonly firstRefused: number;
  /** How many were refused since. */
  readonly refused: number;
  /** How many failed in another way. */
  readonly failed: number;
}

/** How long all processes are at full load before the block. */
const fullLoadMs = 2000;
/** Longer than a stop may take, so that a request admitted later is seen. */
const watchedMs = 33_000;

/**
 * Runs a whole local stack whose reads are served by so many processes, keeps all of them busy, and blocks the partner
 * with the tool that operators use.
 */
export const blockUnderLoad = async (processes: number): Promise<BlockedUnderLoad> => {
  const stack = await startLocalStack({ ports: 'free', environments: processes });
  try {
    const { access_token: token } = await connect({ ...stack }, 'demo-health-plan');
    const url = `${stack.origin}/r4/demo-health-plan/Patient`;
    const seen: { readonly sentAt: number; readonly status: number }[] = [];
    const stopping = new AbortController();
    const reader = async (): Promise<void> => {
      while (!stopping.signal.aborted) {
        const sentAt = performance.now();
        const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
        await response.arrayBuffer().catch(() => undefined);
        seen.push({ sentAt, status: response.status });
      }
    };
    const readers = Promise.all(Array.from({ length: processes }, reader));
    await eventually(async () => (await stack.held()).get('fetch')?.length === processes);
    const before = seen.length;
    await delay(fullLoadMs);
    const perSecond = (seen.length - before) / (fullLoadMs / 1000);
    const args = ['block', 'demo-partner', '--reason', 'Load', '--stage', 'local'];
    const { code, err } = await runTool('partners.ts', args, { AWS_ENDPOINT_URL: stack.urls.aws });
    if (code !== 0) throw new Error(err);
    const blockedAt = performance.now();
    await delay(watchedMs);
    const held = (await stack.held()).get('fetch');
    stopping.abort();
    await readers;
    const after = seen.filter(({ sentAt }) => sentAt > blockedAt);
    const secondsAfter = ({ sentAt }: { readonly sentAt: number }): number => (sentAt - blockedAt) / 1000;
    // A read over the partner's rate (429) was admitted too: its partner was looked up, and is not blocked.
    const admitted = after.filter(({ status }) => status === 200 || status === 429);
    const refused = after.filter(({ status }) => status === 403);
    return {
      processes: held?.length ?? 0,
      perSecond,
      lastAdmitted: Math.max(0, ...admitted.map(secondsAfter)),
      firstRefused: Math.min(...refused.map(secondsAfter)),
      refused: refused.length,
      failed: after.length - admitted.length - refused.length,
    };
  } finally {
    await stack.close();
  }
};
