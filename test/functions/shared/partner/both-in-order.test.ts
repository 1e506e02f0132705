import { bothInOrder } from '../../../../functions/shared/partner/both-in-order.ts';

describe('two things that run side by side', () => {
  it('give both results, in the order in which they were named', async () => {
    expect(await bothInOrder(Promise.resolve('first'), Promise.resolve('second'))).toEqual(['first', 'second']);
  });

  it('fail as the first one did, even if the second failed earlier', async () => {
    const late = new Promise<never>((_resolve, reject) => setImmediate(() => reject(new Error('first'))));

    await expect(bothInOrder(late, Promise.reject(new Error('second')))).rejects.toThrow('first');
  });

  it('fail as the second one did if only that failed', async () => {
    await expect(bothInOrder(Promise.resolve(1), Promise.reject(new Error('second')))).rejects.toThrow('second');
  });

  it('are both over when the answer is there', async () => {
    let isOver = false;
    const late = new Promise<void>((resolve) => setImmediate(() => resolve((isOver = true) as never)));

    await expect(bothInOrder(Promise.reject(new Error('first')), late)).rejects.toThrow('first');

    expect(isOver).toBe(true);
  });
});
