import { ref } from './builder.ts';
import type { Fields, RecordBuilder } from './builder.ts';
import { concept, snomed, systems } from './codes.ts';
import type { Problems } from './problems.ts';
import { addTo } from './time.ts';
import type { Visit, Visits } from './visits.ts';

/** A SNOMED code and its name. */
type Snomed = readonly [code: string, name: string];

const tubeInsertion: Snomed = ['172676009', 'Myringotomy and insertion of short-term tympanic ventilation tube'];
const allergyTest: Snomed = ['395142003', 'Allergy screening test'];

export const addProcedures = (record: RecordBuilder, visits: Visits, problems: Problems): void => {
  const { other, wellAt } = visits;
  const { diagnoses } = problems;
  const add = (visit: Visit, code: string, name: string, fields: Fields = {}): string =>
    addProcedure(record, visit, code, name, fields);

  const tubes = addTubes(record, other.tubes);
  add(other.tubes, ...tubeInsertion, {
    ...because(diagnoses.tubes),
    focalDevice: [{ manipulated: ref(tubes) }],
    ...askedFor(record, other.secondOtitis, ['387713003', 'Surgical procedure'], tubeInsertion),
  });
  add(other.croup, '56251003', 'Nebulizer therapy', because(diagnoses.croup));
  add(other.allergist, ...allergyTest, {
    ...because(problems.peanutAllergy),
    ...askedFor(record, other.peanut, ['103693007', 'Diagnostic procedure'], allergyTest),
  });
  add(other.wrist, '274474001', 'Bone immobilization', because(diagnoses.wrist));
  add(other.asthmaCheck, '127783003', 'Spirometry', because(problems.asthma));
  for (const age of [24, 36, 48]) add(wellAt(age), '313042009', 'Application of dental fluoride varnish');
};

const because = (condition: string): Fields => {
  return { reasonReference: [ref(condition)] };
};

export const addProcedure = (
  record: RecordBuilder,
  visit: Visit,
  code: string,
  name: string,
  fields: Fields,
): string => {
  return record.add('Procedure', 'us-core-procedure', {
    status: 'completed',
    code: snomed(code, name),
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    performedPeriod: { start: visit.at('09:50'), end: visit.at('10:05') },
    performer: [{ actor: ref(visit.practitioner) }],
    ...fields,
  });
};

/** Adds an order, and returns the field that refers to it. */
export const askedFor = (record: RecordBuilder, visit: Visit, category: Snomed, what: Snomed): Fields => {
  const request = record.add('ServiceRequest', 'us-core-servicerequest', {
    status: 'completed',
    intent: 'order',
    category: [snomed(...category)],
    code: snomed(...what),
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    occurrenceDateTime: addTo(visit.date, 0, 21),
    authoredOn: visit.at('10:13'),
    requester: ref(visit.practitioner),
  });
  return { basedOn: [ref(request)] };
};

/** Ear tubes on both sides, which fell out by themselves a year later. */
const addTubes = (record: RecordBuilder, visit: Visit): string => {
  const deviceIdentifier = '00000000000017';
  return record.add('Device', 'us-core-implantable-device', {
    udiCarrier: [{ deviceIdentifier, carrierHRF: `(01)${deviceIdentifier}(11)130601(17)180601(10)T410` }],
    status: 'inactive',
    distinctIdentifier: 'T410',
    manufactureDate: '2013-06-01',
    expirationDate: '2018-06-01',
    lotNumber: 'T410',
    deviceName: [{ name: 'Ventilation tube, silicone, 1.14 mm', type: 'user-friendly-name' }],
    type: concept(systems.snomed, '83059008', 'Tube, device', 'Tympanic ventilation tube'),
    patient: ref(record.patient),
    note: [{ time: visit.at('10:10'), text: 'One in each ear.' }],
  });
};
