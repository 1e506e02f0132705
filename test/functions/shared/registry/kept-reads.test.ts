import { boundedMap } from '../../../../functions/shared/registry/bounded-map.ts';
import { keptReads, mostAbsent, mostCharacters, mostKept } from '../../../../functions/shared/registry/kept-reads.ts';
import { startMs } from '../../../support/gateway.ts';

/** A store that can fail and hang, and both clocks. */
const over = () => {
  const time = { wall: startMs, monotonic: 1000 };
  const store = new Map<string, string>([['a', 'a1']]);
  const asked: string[] = [];
  const told: unknown[] = [];
  const held: (() => void)[] = [];
  const state: { failure: Error | undefined; holds: boolean } = { failure: undefined, holds: false };
  const read = async (key: string): Promise<string | undefined> => {
    asked.push(key);
    const [value, failure] = [store.get(key), state.failure];
    if (state.holds) await new Promise<void>((resolve) => held.push(resolve));
    if (failure !== undefined) throw failure;
    return value;
  };
  return {
    find: keptReads<string>({
      read,
      weigh: (value) => (value.startsWith('heavy') ? mostCharacters / 2 : value.length),
      clock: { now: () => time.wall, monotonic: () => time.monotonic },
      onFailure: (error) => void told.push(error),
    }),
    time,
    store,
    state,
    /** What failures were told. */
    told,
    /** The keys that were read since the last call. */
    asked: () => asked.splice(0),
    release: () => held.splice(0).forEach((go) => go()),
    pass: (ms: number) => {
      time.wall += ms;
      time.monotonic += ms;
    },
  };
};

const down = new Error('down');

describe('a value that was read', () => {
  it('is used for twenty seconds without another read, and then read again', async () => {
    const { find, store, asked, pass } = over();
    await find('a');
    store.set('a', 'a2');
    pass(19_999);
    expect([await find('a'), asked()]).toEqual(['a1', ['a']]);

    pass(1);
    expect([await find('a'), asked()]).toEqual(['a2', ['a']]);
  });

  it('is kept as long if there is nothing under its key, also after it was removed', async () => {
    const { find, store, asked, pass } = over();
    expect([await find('b'), await find('b'), asked()]).toEqual([undefined, undefined, ['b']]);
    await find('a');
    pass(20_000);
    store.delete('a');
    store.set('b', 'b1');
    expect([await find('a'), await find('b'), await find('a'), await find('b')]).toEqual([
      undefined,
      'b1',
      undefined,
      'b1',
    ]);
    expect(asked()).toEqual(['a', 'a', 'b']);
  });

  it('ages from the moment when its read began, since a write may follow that', async () => {
    const { find, state, store, asked, release, pass } = over();
    state.holds = true;
    const first = find('a');
    await Promise.resolve();
    store.set('a', 'a2');
    pass(2000);
    release();
    expect(await first).toBe('a1');
    state.holds = false;
    pass(18_000);
    expect([await find('a'), asked()]).toEqual(['a2', ['a', 'a']]);
  });

  it('ages by the wall clock while the environment is frozen, and by the other if the wall clock goes back', async () => {
    const frozen = over();
    await frozen.find('a');
    frozen.time.wall += 20_000;
    await frozen.find('a');
    expect(frozen.asked()).toEqual(['a', 'a']);

    const back = over();
    await back.find('a');
    back.time.wall -= 3_600_000;
    back.time.monotonic += 19_999;
    await back.find('a');
    back.time.monotonic += 1;
    await back.find('a');
    expect(back.asked()).toEqual(['a', 'a']);
  });
});

describe('calls at the same time', () => {
  it('share one read, and its failure', async () => {
    const { find, state, asked, told, release } = over();
    state.holds = true;
    const both = [find('a'), find('a')];
    await Promise.resolve();
    release();
    expect(await Promise.all(both)).toEqual(['a1', 'a1']);
    expect(asked()).toEqual(['a']);

    state.failure = down;
    const failing = [find('b'), find('b')];
    await Promise.resolve();
    release();
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect([asked(), told]).toEqual([['b'], [down]]);
  });

  it('do not share a read that froze with its environment, and keep nothing of it', async () => {
    const { find, state, store, time, asked, release } = over();
    state.holds = true;
    const frozen = find('a');
    await Promise.resolve();
    store.set('a', 'stopped in the meantime');
    time.wall += 3_600_000;
    state.holds = false;
    expect(await find('a')).toBe('stopped in the meantime');
    release();
    expect(await frozen).toBe('a1');
    expect([await find('a'), asked()]).toEqual(['stopped in the meantime', ['a', 'a']]);
  });
});

describe('while the store fails, a value', () => {
  it('is used for five minutes after its read began, and never longer', async () => {
    const { find, state, pass } = over();
    await find('a');
    state.failure = down;
    pass(5 * 60_000 - 1);
    expect(await find('a')).toBe('a1');
    pass(1);
    await expect(find('a')).rejects.toBe(down);
  });

  it('is not used if the five minutes ended while the store was asked', async () => {
    const { find, state, pass, release } = over();
    await find('a');
    state.failure = down;
    state.holds = true;
    pass(5 * 60_000 - 1000);
    const last = find('a');
    await Promise.resolve();
    pass(1000);
    release();
    await expect(last).rejects.toBe(down);
  });

  it('is used if it is that there is nothing', async () => {
    const { find, state, pass } = over();
    await find('b');
    state.failure = down;
    pass(60_000);
    expect(await find('b')).toBeUndefined();
  });

  it('is not there in a cold environment, which fails', async () => {
    const { find, state } = over();
    state.failure = down;
    await expect(find('a')).rejects.toBe(down);
  });

  it('is read again every two seconds, and a failure is told as often', async () => {
    const { find, state, asked, told, pass } = over();
    await find('a');
    pass(20_000);
    asked();
    state.failure = down;
    for (let count = 0; count < 3; count += 1) expect(await find('a')).toBe('a1');
    expect([asked(), told]).toEqual([['a'], [down]]);

    pass(1999);
    await find('a');
    expect(asked()).toEqual([]);
    pass(1);
    await find('a');
    expect([asked(), told]).toEqual([['a'], [down, down]]);
  });

  it('is read again at once after a freeze, though the monotonic clock stood still', async () => {
    const { find, state, time, asked } = over();
    await find('a');
    state.failure = down;
    time.wall += 20_000;
    await find('a');
    state.failure = undefined;
    time.wall += 1999;
    await find('a');
    expect(asked()).toEqual(['a', 'a']);
    time.wall += 1;
    await find('a');
    expect(asked()).toEqual(['a']);
  });

  it('is told once if many reads fail at the same time', async () => {
    const { find, state, told, release } = over();
    state.failure = down;
    state.holds = true;
    const all = Promise.allSettled(['a', 'b', 'c'].map((key) => find(key)));
    await new Promise(setImmediate);
    release();
    await all;
    expect(told).toEqual([down]);
  });
});

it('a store that works again is asked at once for what is not kept, and then for everything', async () => {
  const { find, state, store, asked, pass } = over();
  await find('a');
  state.failure = down;
  pass(20_000);
  await find('a');
  await expect(find('b')).rejects.toBe(down);
  state.failure = undefined;
  store.set('b', 'b1').set('a', 'a2');
  expect(asked()).toEqual(['a', 'a', 'b']);
  expect([await find('a'), await find('b'), asked()]).toEqual(['a1', 'b1', ['b']]);
  expect([await find('a'), asked()]).toEqual(['a2', ['a']]);
});

describe('what is kept is bounded', () => {
  it('in names that do not exist: a flood of them forgets the oldest, and nothing that exists', async () => {
    const { find, asked } = over();
    await find('a');
    for (let count = 0; count <= mostAbsent; count += 1) await find(`unknown-${count}`);
    asked();
    await find('a');
    await find('unknown-1');
    expect(asked()).toEqual([]);
    await find('unknown-0');
    expect(asked()).toEqual(['unknown-0']);
  });

  it('in entries', async () => {
    const { find, store, asked } = over();
    for (let count = 0; count <= mostKept; count += 1) {
      store.set(`key-${count}`, 'x');
      await find(`key-${count}`);
    }
    asked();
    await find('key-1');
    expect(asked()).toEqual([]);
    await find('key-0');
    expect(asked()).toEqual(['key-0']);
  });

  it('in characters of their JSON, however few they are, and the last one read stays', async () => {
    const { find, store, asked } = over();
    for (const name of ['heavy-1', 'heavy-2', 'heavy-3']) {
      store.set(name, name);
      await find(name);
    }
    asked();
    await find('heavy-3');
    await find('heavy-2');
    expect(asked()).toEqual([]);
    await find('heavy-1');
    expect(asked()).toEqual(['heavy-1']);
  });
});

const map = () => boundedMap<string>({ most: 3, mostWeight: 10, weigh: ({ length }) => length });

describe('a bounded map', () => {
  it('forgets what was set longest ago, and setting a key again makes it the youngest', () => {
    const values = map();
    for (const key of ['a', 'b', 'c', 'a', 'd']) values.set(key, key);
    expect(['a', 'b', 'c', 'd'].map((key) => values.get(key))).toEqual(['a', undefined, 'c', 'd']);
    expect(values.size()).toBe(3);
  });

  it('counts the weight of what is in it, not of what was replaced or deleted', () => {
    const values = map();
    for (let count = 0; count < 5; count += 1) values.set('a', 'x'.repeat(9));
    values.delete('a');
    values.delete('a');
    values.set('b', 'x'.repeat(5));
    values.set('c', 'x'.repeat(5));
    expect(values.size()).toBe(2);
    values.set('d', 'x');
    expect([values.get('b'), values.get('c'), values.get('d')]).toEqual([undefined, 'xxxxx', 'x']);
  });

  it('keeps the last one alone if it is too heavy', () => {
    const values = map();
    values.set('a', 'x');
    values.set('b', 'x'.repeat(11));
    expect([values.get('a'), values.get('b'), values.size()]).toEqual([undefined, 'x'.repeat(11), 1]);
  });
});
