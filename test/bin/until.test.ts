import { readUntil } from '../../bin/shared/times.ts';

const nowMs = Date.parse('2026-11-26T21:00:00.500Z');
const now = Math.floor(nowMs / 1000);

describe('--until', () => {
  it.each([
    ['30m', now + 1800],
    ['2h', now + 7200],
    ['3d', now + 3 * 86_400],
    [' 1h ', now + 3600],
    ['2026-11-26T22:00Z', now + 3600],
    ['2026-11-26T22:00:30Z', now + 3630],
    ['2026-11-26T17:00-05:00', now + 3600],
    ['2028-02-29T00:00Z', undefined],
  ])('%j is read', (text, until) => {
    if (until === undefined) expect(() => readUntil(text, nowMs)).toThrow('over a year away');
    else expect(readUntil(text, nowMs)).toBe(until);
  });

  it.each([
    ['', 'cannot be read'],
    ['tomorrow', 'cannot be read'],
    ['2 hours', 'cannot be read'],
    ['-2h', 'cannot be read'],
    ['1.5h', 'cannot be read'],
    ['2026-11-27', 'cannot be read'],
    // Without a zone it would mean another time on another machine.
    ['2026-11-27T06:00', 'cannot be read'],
    ['2026-11-31T06:00Z', 'cannot be read'],
    ['2026-13-01T06:00Z', 'cannot be read'],
    ['2026-11-27T25:00Z', 'cannot be read'],
    ['0h', 'in the past'],
    ['2026-11-26T21:00Z', 'in the past'],
    ['2025-11-26T22:00Z', 'in the past'],
    ['999999d', 'over a year away'],
    ['2126-11-26T22:00Z', 'over a year away'],
  ])('%j is refused', (text, why) => {
    expect(() => readUntil(text, nowMs)).toThrow(`--until ${why.startsWith('cannot') ? why : `is ${why}`}`);
  });
});
