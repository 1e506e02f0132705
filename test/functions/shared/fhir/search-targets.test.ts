import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { resourceTypes } from '../../../../config/resource-types.ts';
import {
  makeSearchTargets,
  readSearchParameters,
  searchTargetsSource,
} from '../../../../functions/shared/fhir/make-search-targets.ts';
import { isResourceType, resourceTypeOf, searchTargets } from '../../../../functions/shared/fhir/search-targets.ts';

const file = new URL('../../../../functions/shared/fhir/search-parameter-targets.ts', import.meta.url);

describe('the table of reference search parameters', () => {
  it('is what R4’s definitions say now, and small', async () => {
    const source = readFileSync(file, 'utf8');
    expect(await format(searchTargetsSource(), { ...(await resolveConfig(file)), parser: 'typescript' })).toBe(source);
    expect(source.length).toBeLessThan(40_000);
  });

  it('counts by the list of resource types that the configuration is checked against', () => {
    expect(makeSearchTargets(readSearchParameters()).types).toBe(resourceTypes);
  });

  it('packs any reference, and a reference without targets, as ANY', () => {
    const parameters = [
      { code: 'a', type: 'reference', base: ['X', 'Resource'], target: ['X', 'Y'] },
      { code: 'b', type: 'reference', base: ['Y'] },
      { code: 'c', type: 'reference', base: ['Y'], target: ['X'] },
      { code: 'd', type: 'token', base: ['Y'] },
      { code: 'e', type: 'token', base: ['Z'] },
    ];
    expect(makeSearchTargets(parameters)).toEqual({
      types: 'Parameters X Y Z',
      sets: '1 2,*,1',
      parameters: 'Resource a:0,X a:0,Y b:1 c:2',
    });
  });

  it('knows what a parameter may point to, whatever its case', () => {
    expect(searchTargets('Observation', 'subject')).toEqual(['Device', 'Group', 'Location', 'Patient']);
    expect(searchTargets('Observation', 'PATIENT')).toEqual(['Patient']);
    expect(searchTargets('Provenance', 'target')).toEqual(['*']);
    expect(searchTargets('*', 'beneficiary')).toEqual(['Patient']);
    expect(searchTargets('Observation', 'code')).toBeUndefined();
    expect(searchTargets('*', 'nonsense')).toBeUndefined();
    expect(searchTargets('Nonsense', 'patient')).toBeUndefined();
  });

  it('knows R4’s resource types', () => {
    expect(['Patient', 'Parameters', 'Binary', 'ExplanationOfBenefit'].every(isResourceType)).toBe(true);
    expect(['patient', 'Resource', 'DomainResource', 'Citation', '', '*', 'constructor'].some(isResourceType)).toBe(
      false,
    );
    expect(resourceTypeOf('pAtIeNt')).toBe('Patient');
    expect(resourceTypeOf('Nonsense')).toBeUndefined();
  });
});
