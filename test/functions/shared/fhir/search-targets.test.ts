import { makeSearchTargets, readGuideParameters, readSearchParameters } from '../../../../bin/make-search-targets.ts';
import { packedSearchTargets } from '../../../../functions/shared/fhir/search-parameter-targets.ts';
import {
  isSearchParameter,
  readPacked,
  resourceTypeOf,
  searchTargets,
} from '../../../../functions/shared/fhir/search-targets.ts';
import { isResourceType, resourceTypes } from '../../../../functions/shared/scopes/resource-types.ts';

describe('the table of search parameters', () => {
  it('matches the current definitions of R4 and the guides, and is small', () => {
    const { types: _types, ...made } = makeSearchTargets([...readSearchParameters(), ...readGuideParameters()]);
    expect(readPacked(packedSearchTargets)).toEqual(made);
    expect(packedSearchTargets.length).toBeLessThan(8000);
  });

  it('uses the list of resource types that the configuration is checked against', () => {
    expect(makeSearchTargets(readSearchParameters()).types).toBe(resourceTypes);
  });

  it('packs any reference, and a reference without targets, as ANY', () => {
    const parameters = [
      { code: 'a', type: 'reference', base: ['X', 'Resource'], target: ['X', 'Y'] },
      { code: 'b', type: 'reference', base: ['Y'] },
      { code: 'c', type: 'reference', base: ['Y'], target: ['X'] },
      { code: 'd', type: 'token', base: ['Y'] },
      { code: 'e', type: 'token', base: ['Z'] },
      { code: 'c', type: 'reference', base: ['Y'], target: ['Z'] },
      { code: '_query', type: 'token', base: ['Resource'] },
    ];
    expect(makeSearchTargets(parameters)).toEqual({
      types: 'Parameters X Y Z',
      sets: '1 2,*,1 3',
      parameters: 'a:0|1 4,b:1 c:2 d|2,e|3',
    });
  });

  it('knows what a parameter may point to, in any letter case', () => {
    expect(searchTargets('Observation', 'subject')).toEqual(['Device', 'Group', 'Location', 'Patient']);
    expect(searchTargets('Observation', 'PATIENT')).toEqual(['Patient']);
    expect(searchTargets('Provenance', 'target')).toEqual(['*']);
    expect(searchTargets('*', 'beneficiary')).toEqual(['Patient']);
    expect(searchTargets('Observation', 'code')).toBeUndefined();
    expect(searchTargets('*', 'nonsense')).toBeUndefined();
    expect(searchTargets('Nonsense', 'patient')).toBeUndefined();
  });

  it('knows which parameters a type has, spelled exactly', () => {
    expect(isSearchParameter('Observation', 'code')).toBe(true);
    expect(isSearchParameter('Observation', '_lastUpdated')).toBe(true);
    expect(isSearchParameter('*', '_id')).toBe(true);
    expect(isSearchParameter('Observation', '_text')).toBe(true);
    expect(isSearchParameter('Parameters', '_id')).toBe(true);
    expect(isSearchParameter('Bundle', '_text')).toBe(false);
    expect(isSearchParameter('*', '_text')).toBe(false);
    expect(isSearchParameter('*', 'code')).toBe(false);
    expect(isSearchParameter('Observation', 'Code')).toBe(false);
    expect(isSearchParameter('Observation', 'gender')).toBe(false);
    expect(isSearchParameter('Observation', '_query')).toBe(false);
    expect(isSearchParameter('Nonsense', 'code')).toBe(false);
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
