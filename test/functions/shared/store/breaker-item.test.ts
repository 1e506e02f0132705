import {
  closedBreaker,
  isMarked,
  markOf,
  stateOf,
  stepOf,
  usualTimes,
  type Breaker,
} from '../../../../functions/shared/store/breaker-item.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';

const now = 1_780_315_200_000;
const breaker = (change: Partial<Breaker>): Breaker => ({ ...closedBreaker, ...change });
const five = ['a', 'b', 'c', 'd', 'e'];
const two = ['p', 'q'];

describe('a breaker', () => {
  it.each<[string, Partial<Breaker>, string]>([
    ['never opened', {}, 'closed'],
    ['open for one more millisecond', { openUntilMs: now + 1 }, 'open'],
    ['open until this millisecond', { openUntilMs: now }, 'halfOpen'],
    ['open for as long as clocks allow', { openUntilMs: now + 302_000 }, 'open'],
    ['open for longer than anyone could write', { openUntilMs: now + 302_001 }, 'halfOpen'],
    ['half-open, its probe under way for one more millisecond', { openUntilMs: 1, probeUntilMs: now + 1 }, 'probing'],
    ['half-open, its probe over in this millisecond', { openUntilMs: 1, probeUntilMs: now }, 'halfOpen'],
    ['half-open, its probe as long as a function runs', { openUntilMs: 1, probeUntilMs: now + 900_000 }, 'probing'],
    ['half-open, its probe longer than a function runs', { openUntilMs: 1, probeUntilMs: now + 900_001 }, 'halfOpen'],
    ['open, whatever its probe', { openUntilMs: now + 1, probeUntilMs: now + 1 }, 'open'],
    ['closed, whatever its probe', { probeUntilMs: now + 1 }, 'closed'],
  ])('%s', (_title, change, state) => {
    expect(stateOf(breaker(change), now, usualTimes)).toBe(state);
  });

  it.each([
    [undefined, false],
    [now, true],
    [now - 59_999, true],
    [now - 60_000, false],
    [now + 2000, true],
    [now + 2001, false],
  ])('with marks of %s counts them for a minute, and clocks may be two seconds apart: %s', (lateSinceMs, is) => {
    expect(isMarked(breaker({ lateSinceMs }), now, usualTimes)).toBe(is);
  });
});

it('a mark holds short hashes, not ids', () => {
  expect(markOf({ grantId: 'grant-1', partner: 'partner-1' })).toEqual({
    grant: sha256('grant-1').slice(0, 8),
    partner: sha256('partner-1').slice(0, 8),
  });
});

describe('a late call', () => {
  const marked = (grants: readonly string[], partners: readonly string[], since = 7000): Breaker =>
    breaker({ lateSinceMs: now - since, lateGrants: grants, latePartners: partners });

  it.each<[string, Breaker, string, string, string]>([
    ['marks a breaker without marks', closedBreaker, 'a', 'p', 'mark'],
    ['replaces marks of an earlier minute', marked(five, two, 60_000), 'a', 'p', 'mark'],
    ['leaves an open breaker alone', { ...marked(five, two), openUntilMs: 1 }, 'f', 'r', 'none'],
    ['adds a fifth grant', marked(five.slice(1), two), 'a', 'p', 'mark'],
    ['adds no sixth grant, and opens', marked(five, two), 'f', 'p', 'open'],
    ['adds a second partner', marked(five, ['p']), 'a', 'q', 'mark'],
    ['adds no third partner, and opens', marked(five, two), 'a', 'r', 'open'],
    ['does not open with four grants that are known', marked(five.slice(1), two), 'b', 'p', 'none'],
    ['does not open with one partner that is known', marked(five, ['p']), 'a', 'p', 'none'],
    ['opens once marks have stood for seven seconds', marked(five, two, 7000), 'a', 'p', 'open'],
    ['does not open a millisecond earlier', marked(five, two, 6999), 'a', 'p', 'none'],
  ])('%s', (_title, before, grant, partner, step) => {
    expect(stepOf(before, { grant, partner }, now, usualTimes)).toBe(step);
  });
});
