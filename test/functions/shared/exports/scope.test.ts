import { typesNoLongerInScope } from '../../../../functions/shared/exports/scope.ts';
import { parseScopes } from '../../../../functions/shared/scopes/scopes.ts';

const [a, b] = ['patient/Observation.rs?category=laboratory', 'patient/Observation.rs?category=vital-signs'];

/** SMART App Launch STU2.2 §7: a granular scope is for what its filter finds. */
describe('an export that was read under parts of a type', () => {
  it.each([
    ['the same parts', `${a} ${b}`, `${b} ${a}`, true],
    ['one of its two parts', `${a} ${b}`, b, false],
    ['another part', a, b, false],
    ['a further part', a, `${a} ${b}`, true],
    ['the whole type', `${a} ${b}`, 'patient/Observation.rs', true],
    ['all types', `${a} ${b}`, 'user/*.rs', true],
    ['the part of all types', a, 'patient/*.rs?category=laboratory', true],
    ['its own part, and no more that of all types', `patient/*.rs?x=y ${a}`, a, false],
    ['only searches of the part', a, 'patient/Observation.s?category=laboratory', false],
    ['reads of the whole, and searches of the part', a, `patient/Observation.r ${a.replace('.rs', '.s')}`, true],
    ['a part of what was whole', 'patient/Observation.rs', a, false],
  ])('is open to a token for %s, or not', (_, then, now, isOpen) => {
    const beyond = typesNoLongerInScope(['Observation'], parseScopes(then), parseScopes(now));
    expect(beyond).toEqual(isOpen ? [] : ['Observation']);
  });
});
