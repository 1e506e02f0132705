import { inParallel } from '../../bin/shared/pool.ts';
import { progressBar } from '../../bin/shared/progress.ts';

const bar = (total: number, columns = 80) => {
  const written: string[] = [];
  const time = { ms: 0 };
  const terminal = { write: (text: string) => void written.push(text), columns };
  return { written, time, progress: progressBar(terminal, total, () => time.ms) };
};

describe('a progress bar', () => {
  it('says how many are done, over the line before', () => {
    const { written, time, progress } = bar(200);
    progress.show(0);
    time.ms = 100;
    progress.show(100, '3 of them with something to do');

    expect(written).toEqual([
      `\r\u001B[K[${'.'.repeat(30)}] 0 of 200`,
      `\r\u001B[K[${'#'.repeat(15)}${'.'.repeat(15)}] 100 of 200  3 of them with something to do`,
    ]);
  });

  it('is drawn ten times a second at most, and at once after it was removed for a result', () => {
    const { written, time, progress } = bar(200);
    for (let done = 0; done < 50; done += 1) progress.show(done);
    expect(written).toHaveLength(1);
    progress.clear();
    progress.show(50);
    expect(written).toHaveLength(3);
    time.ms = 99;
    progress.show(51);
    expect(written).toHaveLength(3);
  });

  it('never wraps, and is not drawn for one thing or where there is no terminal', () => {
    const narrow = bar(200, 20);
    narrow.progress.show(7, 'a long remark');
    expect(narrow.written[0]?.replace('\r\u001B[K', '')).toHaveLength(19);
    const one = bar(1);
    one.progress.show(0);
    one.progress.clear();
    expect(one.written).toEqual([]);
    const none = progressBar(undefined, 200, () => 0);
    expect([none.show(1), none.clear()]).toEqual([undefined, undefined]);
  });
});

describe('work in parallel', () => {
  it('begins the next thing as soon as one is done, and does each once', async () => {
    const doors = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const begun: number[] = [];
    const all = inParallel(doors, 2, async ({ promise }, index) => {
      begun.push(index);
      await promise;
    });
    expect(begun).toEqual([0, 1]);
    doors[1]?.resolve();
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1, 2]);
    for (const { resolve } of doors) resolve();
    await all;
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  it('work in parallel of nothing is done, and an error is thrown', async () => {
    await inParallel([], 8, async () => {});
    await expect(
      inParallel([1, 2, 3], 2, async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
  });
});
