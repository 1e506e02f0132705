import { createBuilder } from '../data/builder.ts';
import { addCare } from '../data/care.ts';
import { addCoverage, addOfficeClaim, licensed } from '../data/claims.ts';
import { loinc, quantity } from '../data/codes.ts';
import { addObservation } from '../data/observation.ts';
import { addPerson } from '../data/patient.ts';
import { addCondition } from '../data/problems.ts';
import { createRandom } from '../data/random.ts';
import { fhirBase, type MemberDetails } from '../data/record.ts';
import { addEncounter } from '../data/visits.ts';
import { withoutMoney } from './basis.ts';
import { keptLines, type LineSource } from './lines.ts';
import type { GeneratedMembers } from './options.ts';

/*
 * A template of each resource has marks where members and readings differ. Whatever replaces a mark is as long as the mark, so
 * all lines of a template have one length, and a file of gigabytes can be read from any byte.
 */
const marks = {
  member: '@@@@@',
  reading: '%%%%%',
  birth: '"birthDate":"1999-09-09"',
  value: '999.99',
  padding: '~',
} as const;

const numbered = (index: number): string => String(index).padStart(marks.member.length, '0');

const cardOf = (number: string, birthDate: string): MemberDetails => ({
  firstName: `Generated${number}`,
  lastName: 'Member456',
  birthDate,
  memberId: `g-${number}`,
  postalCode: '02116',
});

/** The details of the member at `index`, as on their card. */
export const generatedMember = (index: number, seed = 1): MemberDetails => {
  const random = createRandom(seed * 1_000_003 + index);
  const [year, month, day] = [random.integer(1930, 2015), random.integer(1, 12), random.integer(1, 28)];
  return cardOf(numbered(index), new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10));
};

/** The index of a generated member, by patient id; undefined if it is none. */
const indexOf = (id: string): number | undefined => {
  const [, found] = /^generated-(\d{5})$/.exec(id) ?? [];
  return found === undefined ? undefined : Number(found);
};

/** When all of it was stored. */
export const generatedAt = '2026-01-15T06:00:00.000Z';

interface Templates {
  /** What all records refer to. */
  readonly shared: readonly string[];
  /** A member's own resources, but for the readings. */
  readonly own: readonly string[];
  readonly reading: string;
}

const writeTemplates = (seed: number): Templates => {
  const record = createBuilder(seed, 'generated', '1999-09-09', () => Date.parse(generatedAt));
  const care = addCare(record);
  const shared = [...record.texts()];
  const member = cardOf(marks.member, record.birthDate);
  addPerson(record, member, { gender: 'female', care });
  const subscriber = { id: member.memberId, reference: record.patient, relationship: 'self' } as const;
  const coverage = addCoverage(record, care.plan, 'Sandbox PPO', subscriber, '2024-01-01');
  const visit = addEncounter(record, care, { kind: 'checkup', date: '2025-06-02', practitioner: care.doctor });
  addCondition(record, visit, 'problem-list-item', '38341003', 'Hypertensive disorder');
  addOfficeClaim(record, care, visit, {
    coverage,
    diagnoses: [['I10', 'Essential (primary) hypertension']],
    lines: [{ what: licensed.cpt('Office visit, 20 to 29 minutes'), submitted: 185, copay: 25 }],
  });
  const glucose = loinc('2339-0', 'Glucose [Mass/volume] in Blood');
  addObservation(record, visit, 'us-core-observation-lab', 'laboratory', glucose, {
    valueQuantity: quantity(999.99, 2, 'mg/dL'),
    note: [{ text: marks.padding }],
  });
  const texts = record.texts().slice(shared.length);
  const renamed = texts.map((text) => withIds(text, texts));
  return { shared, own: renamed.slice(0, -1).map(withoutMoney), reading: renamed.at(-1) ?? '' };
};

const nameOf = (text: string): readonly [type: string, id: string] => {
  const [, type = '', id = ''] = /^{"resourceType":"(\w+)","id":"([^"]+)"/.exec(text) ?? [];
  return [type, id];
};

/** Replaces every id of the member's own resources with one that contains the marks. */
const withIds = (text: string, own: readonly string[]): string =>
  own.reduce((changed, resource) => {
    const [type, id] = nameOf(resource);
    const more = type === 'Observation' ? `-${marks.reading}` : '';
    const prefix = type === 'Patient' ? 'generated' : `generated-${type.toLowerCase()}`;
    return changed.replaceAll(id, `${prefix}-${marks.member}${more}`);
  }, text);

/** The made-up members of a payer, and their lines. */
export const generatedMembers = (options: GeneratedMembers | undefined, baseUrl: string) => {
  const { members = 10_000, seed = 1, readings = 5, readingBytes = 0 } = options ?? { members: 0 };
  let written: Templates | undefined;

  /** Fills a template in for each of these members, `each` times. */
  const filled = (template: string, indexes: readonly number[], each = 1): LineSource => {
    const based = template.replaceAll(fhirBase, baseUrl);
    return {
      count: indexes.length * each,
      bytesEach: Buffer.byteLength(based) + 1,
      text: (line) => {
        const index = indexes[Math.floor(line / each)] ?? 0;
        const value = 100 + ((index * 31 + (line % each) * 7 + seed) % 89_900) / 100;
        return based
          .replaceAll(marks.member, numbered(index))
          .replace(marks.birth, () => `"birthDate":"${generatedMember(index, seed).birthDate}"`)
          .replace(marks.reading, numbered(line % each))
          .replace(marks.value, value.toFixed(2));
      },
    };
  };

  const padded = (template: string): string => {
    const missing = readingBytes - Buffer.byteLength(template.replaceAll(fhirBase, baseUrl)) - 1;
    return template.replace(marks.padding, marks.padding.repeat(Math.max(1, missing + 1)));
  };

  return {
    /** The generated member with this number; undefined if there is none. */
    find: (memberId: string): { readonly patientId: string; readonly member: MemberDetails } | undefined => {
      const [, found = ''] = /^g-(\d{5})$/i.exec(memberId.trim()) ?? [];
      const index = Number(found);
      if (found === '' || index >= members) return undefined;
      return { patientId: `generated-${found}`, member: generatedMember(index, seed) };
    },

    /** The lines of those of the patients who are generated, by type. */
    lines: (patientIds: readonly string[]): readonly (readonly [type: string, source: LineSource])[] => {
      const indexes = patientIds.flatMap((id) => indexOf(id) ?? []);
      if (indexes.length === 0) return [];
      written ??= writeTemplates(seed);
      const { shared, own, reading } = written;
      return [
        ...shared.map((text) => [nameOf(text)[0], keptLines([text.replaceAll(fhirBase, baseUrl)])] as const),
        ...own.map((text) => [nameOf(text)[0], filled(text, indexes)] as const),
        ['Observation', filled(padded(reading), indexes, readings)],
      ];
    },
  };
};

export type Generated = ReturnType<typeof generatedMembers>;
