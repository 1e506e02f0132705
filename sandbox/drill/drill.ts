import { instant } from '../../functions/shared/instant.ts';
import type { Held } from './app.ts';
import { drillCases, type DrillCase } from './cases.ts';
import { copyTable, deleteItems, itemsOf, put, type Item } from './tables.ts';
import { faultsIn, tryTokens, type Seen } from './try-tokens.ts';
import type { Ended, World } from './world.ts';

/** What became of a grant of the drill. */
export interface CaseResult {
  readonly case: DrillCase;
  /** What the tool said of it. */
  readonly fate: string;
  readonly seen: Seen;
}

/** What a drill found out. */
export interface DrillResult {
  readonly cases: readonly CaseResult[];
  readonly steps: readonly { readonly title: string; readonly ms: number }[];
  readonly commands: readonly Ended[];
  /** Other things that must hold, and whether they do. */
  readonly checks: readonly { readonly says: string; readonly holds: boolean }[];
  /** Items in the copy of Grants, beside those of the cases. */
  readonly more: number;
  /** What is wrong; nothing if the drill went well. */
  readonly faults: readonly string[];
}

export interface DrillOptions {
  /** How many further grants the copy has, to measure with. */
  readonly more: number;
  readonly onStep: (title: string) => void;
  /** Stops the drill before its next step. */
  readonly signal: AbortSignal;
}

const blocked = 'third-party-app';
const paused = 'northwind';
const reason = 'Drill';

/** The id of the grant of a code, which begins with it. */
const grantIdOf = ({ code }: Held): string =>
  Buffer.from(code.slice(code.indexOf('_') + 1), 'base64url')
    .subarray(0, 16)
    .toString('base64url');

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Grants like one that is there, of an app without a webhook, to which nothing has happened for hours. */
const addMore = async (world: World, table: string, like: string, more: number): Promise<void> => {
  const found = (await itemsOf(world, table)).find((item) => item['grantId']?.S === like);
  const lastEvent = {
    M: { type: { S: 'redeemed' }, at: { N: String(nowSeconds() - 7200) }, requestId: { S: 'drill' } },
  };
  for (let number = 0; number < more; number += 1) {
    const grantId = { S: Buffer.from(String(number).padStart(16, '-')).toString('base64url') };
    await put(world, table, { ...found, grantId, partner: { S: blocked }, lastEvent });
  }
};

/** A client assertion that an app used a moment ago. */
const assertion = (): Item => ({
  grantId: { S: 'jti.drill' },
  seenBy: { S: 'drill' },
  expiresAt: { N: String(nowSeconds() + 400) },
});

interface Copies {
  readonly grants: string;
  readonly reads: string;
  readonly grantItems: readonly Item[];
  readonly registryItems: readonly Item[];
  /** Epoch seconds. */
  readonly point: number;
}

const tableIn = ({ stack }: World, name: string): string => {
  const table = stack.tables[name];
  if (table === undefined) throw new Error(`The stack has no table ${name}`);
  return table;
};

const copyAll = async (world: World): Promise<Copies> => {
  const [grants, reads] = [tableIn(world, 'grants'), tableIn(world, 'auditEvents')];
  await world.stack.streamsIdle();
  return {
    grants: await copyTable(world, grants),
    reads: await copyTable(world, reads),
    grantItems: await itemsOf(world, grants),
    registryItems: await itemsOf(world, tableIn(world, 'registry')),
    point: nowSeconds(),
  };
};

/** Deletes grants, the events of reads, and what the registry has learned since the copy. */
const lose = async (world: World, held: ReadonlyMap<DrillCase, Held>, copies: Copies): Promise<void> => {
  const [grants, reads, registry] = ['grants', 'auditEvents', 'registry'].map((name) => tableIn(world, name)) as [
    string,
    string,
    string,
  ];
  const idsOf = (item: DrillCase['item']): string[] =>
    [...held].filter(([{ item: is = 'lost' }]) => is === item).map(([, one]) => grantIdOf(one));
  const [kept, byHand] = [idsOf('kept'), idsOf('put back by hand')];
  const lost = (await itemsOf(world, grants)).filter((item) => !kept.includes(item['grantId']?.S ?? ''));
  await deleteItems(world, grants, 'grantId', lost);
  for (const item of copies.grantItems) {
    if (byHand.includes(item['grantId']?.S ?? '')) await put(world, grants, item);
  }
  await deleteItems(world, reads, 'eventId', await itemsOf(world, reads));
  for (const item of copies.registryItems) {
    if ([`partner#${blocked}`, `payer#${paused}`].includes(item['entryId']?.S ?? '')) await put(world, registry, item);
  }
  await world.stack.streamsIdle();
};

/** How many events the audit has of a grant. */
const eventsOf = async ({ operate }: World, grantId: string): Promise<number> => {
  const { code, out, err } = await operate('audit', `--grant=${grantId}`, '--json');
  if (code !== 0) throw new Error(err);
  return out.trim().split('\n').length;
};

const deliveries = ({ stack }: World): Set<string> =>
  new Set(
    stack.durable
      .executions()
      .filter(({ functionName }) => functionName === stack.functions['deliver'])
      .map(({ name }) => name),
  );

/** The fate of each grant, from the tool's lines of JSON. */
const fatesIn = ({ out }: Ended): ReadonlyMap<string, string> =>
  new Map(
    out
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { grantId: string; fate: string })
      .map(({ grantId, fate }) => [grantId, fate]),
  );

/** Runs the operator's commands. @returns them in order */
const restoreAll = async ({ operate, operateAndKill }: World, { grants, reads, point }: Copies): Promise<Ended[]> => {
  const since = instant(point);
  const ofGrants = ['grants', '--from', grants, '--since', since, '--reason', reason];
  return [
    await operate('restore', ...ofGrants, '--dry-run', '--json'),
    await operateAndKill('restore', ...ofGrants, '--yes', '--json'),
    await operate('restore', ...ofGrants, '--yes', '--json'),
    await operate('restore', 'revocations', '--since', since, '--reason', reason, '--yes'),
    await operate('restore', 'stops', '--reason', reason, '--yes'),
    await operate('restore', 'reads', '--from', reads, '--since', since, '--yes'),
  ];
};

const expectedCodes = [0, null, 3, 0, 0, 0];

/** Makes a copy, loses, restores, and looks at what every app then sees. @throws Error if a step fails */
export const runDrill = async (world: World, { more, onStep, signal }: DrillOptions): Promise<DrillResult> => {
  const steps: { title: string; ms: number }[] = [];
  const step = async <T>(title: string, run: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    onStep(title);
    const beganAt = performance.now();
    const result = await run();
    steps.push({ title, ms: Math.round(performance.now() - beganAt) });
    return result;
  };
  const { stack, operate } = world;
  const grants = tableIn(world, 'grants');
  const held = new Map<DrillCase, Held>();

  await step('Members sign in, and apps use their grants', async () => {
    for (const one of drillCases) if (one.before !== undefined) held.set(one, await one.before(world));
    await put(world, grants, assertion());
    const [first] = held.values();
    if (first !== undefined) await addMore(world, grants, grantIdOf(first), more);
  });
  const copies = await step('Tables are copied', () => copyAll(world));
  await step('Life goes on: grants are used, made and ended, an app is blocked', async () => {
    for (const one of drillCases) {
      const [before, { after }] = [held.get(one), one];
      if (after !== undefined) held.set(one, await after(world, before as Held));
    }
    for (const [tool, command, id] of [
      ['partners', 'block', blocked],
      ['payers', 'pause', paused],
      ['payers', 'resume', paused],
    ] as const) {
      const { code, err } = await operate(tool, command, id, '--reason', reason);
      if (code !== 0) throw new Error(err);
    }
    await stack.streamsIdle();
  });
  const readers = drillCases.find(({ name }) => name === 'read since the copy');
  const reader = grantIdOf(held.get(readers as DrillCase) as Held);
  const [eventsBefore, toldBefore] = [await eventsOf(world, reader), deliveries(world)];
  await step('Grants, events of reads and the block are lost', () => lose(world, held, copies));
  const commands = await step('The operator restores', () => restoreAll(world, copies));
  await stack.streamsIdle();

  const fates = fatesIn(commands[0] as Ended);
  const toldSince = [...deliveries(world)].filter((name) => !toldBefore.has(name));
  const listed = await operate('partners', 'list', '--blocked');
  const pausedNow = await operate('payers', 'list', '--paused');
  const remembered = (await itemsOf(world, grants)).some((item) => item['grantId']?.S === 'jti.drill');
  const eventsAfter = await eventsOf(world, reader);
  const checks = [
    { says: 'A used client assertion is remembered again.', holds: remembered },
    { says: 'An app that was blocked since the copy is blocked again.', holds: listed.out.includes(blocked) },
    {
      says: 'A payer whose pause was over is not paused again.',
      holds: pausedNow.out.includes('0 paused'),
    },
    {
      says: 'The audit counts no event twice: a grant that came back has one more, its return.',
      holds: eventsAfter === eventsBefore + 1,
    },
    {
      says: 'Partners are told of nothing but the grant that had been put back by hand, and ended again.',
      holds: toldSince.length === 1,
    },
    {
      says: 'Each command ended as it should, the one that was killed too.',
      holds: commands.every(({ code }, index) => code === expectedCodes[index]),
    },
  ];
  const cases = await step('Every app tries all that it holds', async () => {
    const results: CaseResult[] = [];
    for (const [one, holds] of held) {
      const fate = fates.get(grantIdOf(holds)) ?? 'not in the copy';
      results.push({ case: one, fate, seen: await tryTokens(world, holds) });
    }
    return results;
  });
  const faults = [
    ...cases.flatMap((result) => faultsIn(result.case, result.seen)),
    ...checks.filter(({ holds }) => !holds).map(({ says }) => `This does not hold: ${says}`),
  ];
  return { cases, steps, commands, checks, more, faults };
};
