import { randomUUID } from 'node:crypto';
import { instant } from '../../functions/shared/instant.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import type { AuditBucket } from '../audit/audit-bucket.ts';
import { Refusal } from '../shared/errors.ts';
import { findTable } from '../shared/find-table.ts';
import { inParallel } from '../shared/pool.ts';
import { progressBar } from '../shared/progress.ts';
import { scanPages } from '../shared/scan-pages.ts';
import { checkAuditAlarms } from './audit-alarms.ts';
import { requireConsent } from './consent.ts';
import { openCopy, type Copy } from './copy.ts';
import { decideFate, type Fate } from './decide.ts';
import type { RestoreDeps, Stage } from './deps.ts';
import { endAgain } from './end-again.ts';
import type { RestoreOf } from './flags.ts';
import { readKnown, type Known } from './known-events.ts';
import { overlapSeconds, planGrants, type Counts } from './plan.ts';
import { itemPutBack, putIfAbsent } from './put-back.ts';

const writesAtATime = 32;
/** Some grants of the copy stayed out, so their members sign in again. */
const leftOutCode = 3;

const words: Readonly<Record<Fate, string>> = {
  putBack: 'nothing has happened to them since',
  assertion: 'used client assertions, not yet expired',
  codeOpen: 'left out: the code was not redeemed yet',
  endedSince: 'left out: ended since',
  changedSince: 'left out: tokens were refreshed since, or it cannot be known',
  over: 'left out: over',
  unreadable: 'left out: no grant that this version can read',
};

const countLines = (counts: Counts): string[] =>
  (Object.keys(words) as Fate[])
    .filter((fate) => fate === 'putBack' || counts[fate] > 0)
    .map((fate) => `${String(counts[fate]).padStart(8)}  ${words[fate]}`);

interface Running {
  readonly command: RestoreOf<'grants'>;
  readonly deps: RestoreDeps;
  readonly table: Table;
  readonly copy: Copy;
  readonly known: Known;
  readonly by: { readonly requestId: string; readonly operator: string; readonly note: string };
}

const nowIn = ({ now }: RestoreDeps): number => Math.floor(now() / 1000);

/** What became of one grant, for `--json`. It names no member. */
const tellGrant = ({ command, deps }: Running, item: Item, fate: Fate | 'there'): void => {
  if (!command.json || fate === 'assertion' || item['grantId']?.S?.startsWith('jti.') === true) return;
  const [grantId, partner, payer] = ['grantId', 'partner', 'payer'].map((name) => item[name]?.S);
  deps.output.out(JSON.stringify({ grantId, partner, payer, fate }));
};

interface Written {
  readonly put: number;
  readonly there: number;
}

/** Puts one item back, if it may. @returns what became of it */
const putOne = async (running: Running, item: Item): Promise<Fate | 'there'> => {
  const { table, known, by, deps } = running;
  const now = nowIn(deps);
  const fate = decideFate(item, known, now);
  if (fate !== 'putBack' && fate !== 'assertion') return fate;
  const back = fate === 'assertion' ? item : itemPutBack(item, { ...by, now });
  return (await putIfAbsent(table, { key: 'grantId', item: back }, deps.wait)) ? fate : 'there';
};

/** @throws Refusal that says how far it came */
const putAll = async (running: Running): Promise<Written> => {
  const { copy, deps } = running;
  const bar = progressBar(deps.terminal, copy.items, deps.now);
  const counts = { put: 0, there: 0 };
  let seen = 0;
  try {
    for await (const { items } of scanPages({ ...copy, wait: deps.wait })) {
      await inParallel(items, writesAtATime, async (item) => {
        const fate = await putOne(running, item);
        if (fate === 'there') counts.there += 1;
        else if (fate === 'putBack' || fate === 'assertion') counts.put += 1;
        tellGrant(running, item, fate);
        bar.show((seen += 1), `${counts.put} put back`);
      });
    }
    return counts;
  } catch (error) {
    bar.clear();
    deps.output.note(`Stopped after ${counts.put} were put back. The same command goes on from there.`);
    throw error;
  } finally {
    bar.clear();
  }
};

const tellPlan = async ({ command, deps, copy, known }: Running): Promise<void> => {
  if (!command.json) return;
  for await (const { items } of scanPages({ ...copy, wait: deps.wait })) {
    for (const item of items) tellGrant({ command, deps } as Running, item, decideFate(item, known, nowIn(deps)));
  }
};

const run = async (audit: AuditBucket, running: Running, counts: Counts): Promise<number> => {
  const { deps, copy, table, by } = running;
  const { put, there } = await putAll(running);
  deps.output.note(`Put back ${put} as ${by.operator}; ${there} were there.`);
  // What the audit has learned meanwhile counts too.
  const known = await readKnown(audit, copy.point - overlapSeconds);
  await endAgain({ table, known, by, dryRun: false }, deps);
  const { codeOpen, endedSince, changedSince, unreadable } = counts;
  return codeOpen + endedSince + changedSince + unreadable > 0 ? leftOutCode : 0;
};

/**
 * Puts grants of a copy back into the stage's table, if nothing has happened to them since.
 * @returns the exit code
 * @throws Refusal, and whatever AWS's clients throw
 */
export const restoreGrants = async (stage: Stage, command: RestoreOf<'grants'>, deps: RestoreDeps): Promise<number> => {
  const { config, dynamo, operator } = stage;
  const prefix = `p2p-gateway-${config.stage}-TablesGrants`;
  const original = command.table ?? (await findTable(dynamo, config.stage, 'Grants'));
  const copy = await openCopy(dynamo, { ...command, original, prefix, key: 'grantId' });
  await checkAuditAlarms(config, deps.environment);
  const audit = await stage.openAudit();
  const known = await readKnown(audit, copy.point - overlapSeconds);
  const counts = await planGrants(copy, { known, now: nowIn(deps), wait: deps.wait });
  const by = { requestId: randomUUID(), operator, note: command.reason };
  const running = { command, deps, table: { client: dynamo, name: original }, copy, known, by };
  deps.output.note([`${copy.name}, as of ${instant(copy.point)}, into ${original}:`, ...countLines(counts)].join('\n'));
  if (command.dryRun) {
    await tellPlan(running);
    deps.output.note(`Would put these back as ${operator}, except those that are there. Nothing was changed.`);
    return 0;
  }
  if (counts.putBack + counts.assertion === 0) throw new Refusal('There is nothing to put back. Nothing was changed.');
  await requireConsent(`Put ${counts.putBack} grants back as ${operator}?`, command, deps);
  return run(audit, running, counts);
};
