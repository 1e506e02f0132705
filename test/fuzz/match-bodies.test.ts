import { evalFhirPathTyped, toTypedValue } from '@medplum/core';
import * as fc from 'fast-check';
import { checkMatch } from '../../functions/fetch/exchange/check-match.ts';
import { GatewayError } from '../../functions/shared/errors.ts';
import { parseObject, type JsonObject } from '../../functions/shared/json/json-object.ts';
import { matchParameters, memberBundle, npi } from '../support/member-bundle.ts';
import { holdsAtOnce } from './seeded.ts';

const [oldPlan, newPlan] = ['9876543213', '1234567893'];
const plans = { source: [{ system: npi, value: oldPlan }], recipient: [{ system: npi, value: newPlan }] };
/** Noon, 1 June 2026. */
const now = Date.UTC(2026, 5, 1, 12);
const bundle = (id: string) => memberBundle(id, { oldPlan, newPlan });
const parts: readonly unknown[] = [bundle('patient-1').part, bundle('patient-2').part]
  .flat()
  .map(({ resource }) => resource);

const placesIn = (value: unknown, at: readonly string[] = []): string[][] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, one]) => [at.concat(name)].concat(placesIn(one, at.concat(name))));
/** Elements that the bundle has not. */
const added = `part.4 part.2.resource.provision.provision part.2.resource.provision.data part.2.resource.modifierExtension
  part.2.resource.contained part.2.resource.performer.1 part.1.resource.contained part.0.resource.contained`;
const places = [
  ...placesIn(bundle('patient-1')),
  ...Array.from({ length: 5 }, () => added.split(/\s+/).map((place) => place.split('.'))).flat(),
];

/** What a careless or hostile system may write in a place: things of other places, members and plans, and any JSON. */
const written = fc.oneof(
  // Much may be missing, and little else is still taken.
  { weight: 2, arbitrary: fc.constant<unknown>(undefined) },
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    'deny',
    'inactive',
    'Patient/patient-2',
    { reference: 'Patient/patient-2' },
    oldPlan,
    newPlan,
    '2026-05-31',
    '2026-06-01',
    '2026-06-02',
    '2026-06-01T11:59:59Z',
    [],
    {},
  ),
  fc.constantFrom(...parts),
  fc.constantFrom(...parts).map((one) => [one]),
  fc.constantFrom(
    ...places.map((place) => place.reduce<unknown>((at, name) => (at as JsonObject)[name], bundle('patient-2'))),
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

const change = (value: unknown, [name = '', ...rest]: readonly string[], to: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value };
  (copy as Record<string, unknown>)[name] = rest.length === 0 ? to : change((value as JsonObject)[name], rest, to);
  return copy;
};

/** What must be true of a bundle that leaves, in FHIRPath: another language than the code's, and another's interpreter. */
const mustHold = (id: string) => {
  const member = `'Patient/${id}'`;
  const consent = "part.where(name = 'Consent').resource";
  const actor = (role: string, plan: string) =>
    `${consent}.provision.actor.where(role.coding.where(code = '${role}').exists() and reference.identifier.where(system = '${npi}' and value = '${plan}').exists()).exists()`;
  return [
    `${consent}.count() = 1`,
    `part.where(name = 'MemberPatient').resource.id = '${id}'`,
    `${consent}.status = 'active'`,
    `${consent}.scope.coding.where(code = 'patient-privacy').exists()`,
    `${consent}.patient.reference = ${member}`,
    `${consent}.performer.reference = ${member}`,
    `${consent}.provision.type = 'permit'`,
    `${consent}.provision.period.start.exists() and ${consent}.provision.period.end.exists()`,
    `${consent}.provision.provision.empty()`,
    actor('performer', oldPlan),
    actor('IRCP', newPlan),
    `${consent}.provision.actor.reference.identifier.where(value != '${oldPlan}' and value != '${newPlan}').empty()`,
    `part.where(name = 'CoverageToMatch').resource.beneficiary.reference = ${member}`,
    `part.where(name = 'CoverageToMatch').resource.payor.identifier.where(system = '${npi}' and value = '${oldPlan}').exists()`,
    `${consent}.provision.data.empty()`,
    `${consent}.modifierExtension.empty()`,
    `part.resource.contained.ofType(Patient).empty()`,
    `part.where(resource.status = 'active').count() <= 1`,
  ];
};

/** The period, compared as text: each written date is a whole day or a moment in UTC. */
const isNow = (one: unknown): boolean => {
  const consent = (one as ReturnType<typeof bundle>).part.find(({ name }) => name === 'Consent')
    ?.resource as unknown as {
    provision: { period: { start: string; end: string } };
  };
  const { start, end } = consent.provision.period;
  return (
    start <= '2026-06-01T12:00:00Z' &&
    (end >= '2026-06-01T12:00:00Z' || end === '2026-06-01' || end === '2026-06' || end === '2026')
  );
};

it('a bundle in which anything was changed is refused, or is still the opt-in of its member between these plans, today', () => {
  let taken = 0;
  const changes = fc.array(fc.tuple(fc.constantFrom(...places), written), { minLength: 1, maxLength: 3 });
  holdsAtOnce(
    changes,
    (made) => {
      const changed = made.reduce<unknown>((value, [place, to]) => change(value, place, to), bundle('patient-1'));
      const parameters = parseObject(JSON.stringify(matchParameters(changed))) ?? {};
      let members: ReturnType<typeof checkMatch>;
      try {
        members = checkMatch(parameters, plans, now);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        expect(JSON.stringify([error.publicMessage, error.mistakes])).not.toMatch(
          /patient-[12]|Patricia|DH1000|consent-1/,
        );
        return;
      }
      taken += 1;
      const [sent] = parameters['parameter'] as readonly unknown[];
      const [member] = members;
      const failing = mustHold(member?.patient ?? '').filter(
        (expression) => evalFhirPathTyped(expression, [toTypedValue(sent)])[0]?.value !== true,
      );
      expect([failing, isNow(sent)]).toEqual([[], true]);
    },
    10_000,
  );
  expect(taken).toBeGreaterThan(500);
});
