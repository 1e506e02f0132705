import { checkStage, ConfigError } from '../../config/check.ts';
import { requireDeployable } from '../../config/deployable.ts';
import { accepted, refused, sound, unclear, type Draft, type Mistake } from './mistakes.ts';

/** Why a stage cannot be deployed: what the check prints, and what only a deployment refuses. */
const linesOf = (value: unknown): string[] => {
  try {
    requireDeployable(checkStage(value, 'config/pilot.ts'), 'config/pilot.ts');
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
};

const made = ([, make]: Mistake): unknown => {
  const draft: Draft = sound();
  return make(draft) ?? draft;
};

const all = [...accepted, ...unclear, ...refused];

describe('the stage that the mistakes are made in', () => {
  it('has no mistake itself, in production or not', () => {
    expect(linesOf(sound())).toEqual([]);
    expect(linesOf({ ...sound(), production: true, retention: { auditDays: 2192 } })).toEqual([]);
  });
});

describe.each([
  ['that the check once accepted', accepted],
  ['that the check once refused unhelpfully', unclear],
  ['that the check always refused', refused],
])('a mistake %s', (_class, mistakes) => {
  it.each(mistakes.map((mistake) => [mistake[0], mistake] as const))(
    'is reported in one line: %s',
    (_title, mistake) => {
      const lines = linesOf(made(mistake));

      expect(lines).toEqual([`config/pilot.ts: ${mistake[2]}`]);
      expect(lines.join()).not.toContain('canary-7');
    },
  );
});

describe('the mistakes', () => {
  it('are at least 150, each with its own title', () => {
    expect(all.length).toBeGreaterThanOrEqual(150);
    expect(new Set(all.map(([title]) => title)).size).toBe(all.length);
  });
});
