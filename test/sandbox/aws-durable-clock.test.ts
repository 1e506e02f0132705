import { setTimeout as delay } from 'node:timers/promises';
import { settableClock, type Clock } from '../../sandbox/aws/durable/clock.ts';
import { eventually } from '../support/eventually.ts';

const day = 86_400_000;
let clock: Clock;
let rang: string[];
beforeEach(() => {
  clock = settableClock();
  rang = [];
});
afterEach(() => clock.close());

const ring = (name: string) => (): void => void rang.push(name);

describe('the clock of durable executions', () => {
  it('runs what is due when it is set forward, in order, and nothing else', () => {
    clock.after(2 * day, ring('later'));
    clock.after(2000, ring('second'));
    clock.after(1000, ring('first'));
    const before = clock.now();
    clock.passTime(day);
    expect(rang).toEqual(['first', 'second']);
    expect(clock.now() - before).toBeGreaterThanOrEqual(day);
    clock.passTime(day);
    expect(rang).toEqual(['first', 'second', 'later']);
  });

  it('runs timers in real time, and those of a year do not fire at once', async () => {
    clock.after(366 * day, ring('in a year'));
    clock.after(20, ring('soon'));
    await eventually(() => rang.length > 0);
    await delay(20);
    expect(rang).toEqual(['soon']);
  });

  it('runs no timer that was canceled, by an earlier one too', () => {
    const cancel = clock.after(2000, ring('canceled'));
    clock.after(1000, cancel);
    clock.passTime(day);
    expect(rang).toEqual([]);
  });

  it('runs nothing after it is closed', () => {
    clock.after(1000, ring('closed'));
    clock.close();
    clock.passTime(day);
    expect(rang).toEqual([]);
  });
});
