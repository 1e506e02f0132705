import type { Payer } from './types.ts';

/** One of a payer's FHIR bases, and which resource types are at it. The member's Patient is at each, under one id. */
export interface FhirBase {
  /** Its spellings, without trailing slashes. The first is the one to ask. */
  readonly bases: readonly string[];
  /** The types that are at it. @default all but those of `except` */
  readonly only?: readonly string[];
  readonly except?: readonly string[];
}

/** A payer's bases as one of its answers sees them: the base that gave the answer, and the others. */
export interface AnswerBases extends FhirBase {
  /** @default the payer has no other base */
  readonly others?: readonly FhirBase[];
}

type Bases = Pick<Payer, 'fhirBaseUrl' | 'fhirBaseUrlAliases' | 'furtherBases'>;

type ListedBases = readonly [FhirBase, ...FhirBase[]];

const listBases = ({ fhirBaseUrl, fhirBaseUrlAliases, furtherBases = [] }: Bases): ListedBases => {
  const bases = [fhirBaseUrl, ...fhirBaseUrlAliases];
  if (furtherBases.length === 0) return [{ bases }];
  return [
    { bases, except: furtherBases.flatMap(({ types }) => types) },
    ...furtherBases.map(({ fhirBaseUrl: base, types }) => ({ bases: [base], only: types })),
  ];
};

const listed = new WeakMap<Bases, ListedBases>();

/** A payer's bases: the one of its profile first, then those of single types. The same list for the same payer. */
export const fhirBases = (payer: Bases): ListedBases => {
  const bases = listed.get(payer) ?? listBases(payer);
  listed.set(payer, bases);
  return bases;
};

/** Whether the resources of a type are at a base. */
export const isAt = ({ only, except = [] }: FhirBase, type: string): boolean =>
  type === 'Patient' || (only?.includes(type) ?? !except.includes(type));

/** The URL of the base to ask for a type. What is no type of a further base is asked at the first. */
export const baseUrlOf = ({ fhirBaseUrl, furtherBases = [] }: Pick<Bases, 'fhirBaseUrl' | 'furtherBases'>, type = '') =>
  furtherBases.find(({ types }) => types.includes(type))?.fhirBaseUrl ?? fhirBaseUrl;

/** A payer's bases as the answers of one of them see them. @param url the base that was asked. @default the first */
export const answerBases = (payer: Bases, url: string = payer.fhirBaseUrl): AnswerBases => {
  const all = fhirBases(payer);
  const home = all.find(({ bases: [first] }) => first === url) ?? all[0];
  return all.length === 1 ? home : { ...home, others: all.filter((base) => base !== home) };
};

/** All of them, the one that gave the answer first. */
export const eachBase = ({ bases, only, except, others = [] }: AnswerBases): readonly FhirBase[] => [
  { bases, ...(only && { only }), ...(except && { except }) },
  ...others,
];

/** Every spelling of each. */
export const spellings = (answer: AnswerBases): string[] => eachBase(answer).flatMap(({ bases }) => bases);
