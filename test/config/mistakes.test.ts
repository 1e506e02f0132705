import { checkStage, ConfigError } from '../../config/checks/check-stage.ts';
import { requireDeployable } from '../../config/checks/deployable.ts';
import { mistakes, sound, type Draft } from './mistakes.ts';

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

it('the stage that the mistakes are made in has no mistake itself, in production or not', () => {
  expect(linesOf(sound())).toEqual([]);
  expect(linesOf({ ...sound(), production: true, retention: { auditDays: 2192 } })).toEqual([]);
});

it.each(mistakes)('a mistake in the configuration is reported in one line: %s', (_title, make, line) => {
  const draft: Draft = sound();

  const lines = linesOf(make(draft) ?? draft);

  expect(lines).toEqual([`config/pilot.ts: ${line}`]);
  expect(lines.join()).not.toContain('canary-7');
});
