import { closersOf, settled } from '../../sandbox/closers.ts';

/** A promise that the test settles when it wants. */
const later = () => Promise.withResolvers<string>();

describe('the closers', () => {
  it('close each thing once, however often they are called, and not before', async () => {
    const closed: string[] = [];
    const { opened, closeAll } = closersOf();
    for (const name of ['a', 'b']) opened({ close: async () => closed.push(name) });
    expect(closed).toEqual([]);
    await Promise.all([closeAll(), closeAll()]);
    await closeAll();
    expect(closed.sort()).toEqual(['a', 'b']);
  });

  it('close the others if one cannot be closed, and wait for all', async () => {
    const slow = later();
    const { opened, closeAll } = closersOf();
    opened({ close: () => Promise.reject(new Error('stuck')) });
    let isClosed = false;
    opened({ close: () => slow.promise.then(() => (isClosed = true)) });
    const all = closeAll();
    slow.resolve('');
    await all;
    expect(isClosed).toBe(true);
  });
});

describe('things that are started together', () => {
  it('return every result, in order', async () => {
    expect(await settled([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
  });

  it('fail only once the last of them has settled', async () => {
    const slow = later();
    const events: string[] = [];
    const failed = settled([
      Promise.reject(new Error('first')),
      slow.promise.then(() => events.push('the slow one has started')),
    ]).catch((error: Error) => events.push(error.message));
    await new Promise(setImmediate);
    expect(events).toEqual([]);
    slow.resolve('');
    await failed;
    expect(events).toEqual(['the slow one has started', 'first']);
  });
});
