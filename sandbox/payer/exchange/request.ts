import type { IncomingMessage } from 'node:http';
import { readInstant } from '../../../functions/shared/instant.ts';
import { badRequest, FhirError, unsupported } from '../fhir/outcome.ts';
import type { Consent } from './consent.ts';
import { isExported, type Wanted } from './content.ts';
import type { PlanIdentifier } from './options.ts';

interface Parameter {
  readonly name?: string;
  readonly part?: readonly Parameter[];
  readonly resource?: { readonly resourceType?: string };
  readonly [value: string]: unknown;
}

export interface SubmittedPatient {
  readonly resourceType: 'Patient';
  readonly id: string;
  readonly identifier?: readonly Partial<PlanIdentifier>[];
  readonly name?: readonly { readonly family?: string; readonly given?: readonly string[] }[];
  readonly birthDate?: string;
}

export interface SubmittedCoverage {
  readonly resourceType: 'Coverage';
  readonly id?: string;
  readonly subscriberId?: string;
  readonly dependent?: string;
  readonly identifier?: readonly Partial<PlanIdentifier>[];
}

/** One member whom another plan asks for. */
export interface MemberBundle {
  readonly patient: SubmittedPatient;
  readonly coverage: SubmittedCoverage;
  readonly consent: Consent;
}

/** The most bytes of a body that is read. */
const mostBytes = 64 * 1024 * 1024;

export const readBody = async (req: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) throw new FhirError(413, 'too-long', 'The body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Both operations run asynchronously only. */
export const requireAsync = ({ headers }: IncomingMessage): void => {
  if (!/(?:^|[,\s])respond-async(?:$|[,;\s])/.test(String(headers.prefer ?? ''))) {
    throw badRequest('This operation needs Prefer: respond-async');
  }
};

const parametersOf = (req: IncomingMessage, body: string): readonly Parameter[] => {
  if (!/^application\/(?:fhir\+)?json\b/.test(req.headers['content-type'] ?? '')) {
    throw new FhirError(415, 'not-supported', 'The body is application/fhir+json');
  }
  let read: { readonly resourceType?: unknown; readonly parameter?: unknown };
  try {
    read = Object(JSON.parse(body)) as typeof read;
  } catch {
    throw badRequest('The body is not JSON');
  }
  if (read.resourceType !== 'Parameters') throw badRequest('The body is no Parameters resource');
  if (read.parameter === undefined) return [];
  if (!Array.isArray(read.parameter)) throw badRequest('parameter is no list');
  return read.parameter as readonly Parameter[];
};

const partsOfMember = [
  ['MemberPatient', 'Patient', true],
  ['CoverageToMatch', 'Coverage', true],
  ['Consent', 'Consent', true],
  ['CoverageToLink', 'Coverage', false],
] as const;

/** Reads the members of a match. @throws FhirError if one of them does not follow the profile */
export const readMatch = (req: IncomingMessage, body: string): readonly MemberBundle[] => {
  const parameters = parametersOf(req, body);
  if (parameters.length === 0) throw badRequest('There is no MemberBundle');
  const bundles = parameters.map(({ name, part = [] }, index) => {
    if (name !== 'MemberBundle') throw badRequest(`Parameter ${index} is no MemberBundle`);
    const found = partsOfMember.map(([partName, type, required]) => {
      const named = part.filter((one) => one.name === partName);
      const [first] = named;
      if (named.length > 1 || (required && first === undefined) || (first && first.resource?.resourceType !== type)) {
        throw badRequest(`MemberBundle ${index} needs one ${type} as ${partName}`);
      }
      return first?.resource;
    });
    const [patient, coverage, consent] = found as unknown as [SubmittedPatient, SubmittedCoverage, Consent];
    if (typeof patient.id !== 'string' || patient.id === '') throw badRequest(`MemberPatient ${index} has no id`);
    return { patient, coverage, consent };
  });
  for (const { patient } of bundles) {
    const same = bundles.filter((other) => other.patient.id === patient.id);
    if (same.some((other) => JSON.stringify(other.patient) !== JSON.stringify(patient))) {
      throw badRequest(`Two different patients have the id ${patient.id}`);
    }
  }
  return bundles;
};

/** What an export asks for. */
export interface AskedExport extends Omit<Wanted, 'patientIds'> {
  /** Patient ids. @default every member of the Group */
  readonly patients?: readonly string[] | undefined;
}

const exportType = 'hl7.fhir.us.davinci-pdex#payertopayer';
const formats = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson']);
const known = new Set(['exportType', 'patient', '_since', '_until', '_type', '_typeFilter', '_outputFormat']);

const valueOf = (parameter: Parameter): string => {
  const [, value] = Object.entries(parameter).find(([key]) => key.startsWith('value')) ?? [];
  const { reference = value } = Object(value) as { readonly reference?: unknown };
  return typeof reference === 'string' ? reference : '';
};

const momentOf = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const instant = readInstant(text);
  if (instant === undefined) throw badRequest(`${name} is no instant, such as 2026-01-31T00:00:00Z`);
  return instant;
};

/** Reads the parameters of an export, from its body or its query. @throws FhirError if one is not supported */
export const readExport = (req: IncomingMessage, url: URL, body: string, supportsTypeFilter: boolean): AskedExport => {
  const given =
    req.method === 'GET'
      ? [...url.searchParams]
      : parametersOf(req, body).map((parameter): [string, string] => [parameter.name ?? '', valueOf(parameter)]);
  const unknown = given.find(([name]) => !known.has(name));
  if (unknown !== undefined) throw unsupported(`The parameter ${unknown[0]} is not supported here`);
  const values = (name: string): readonly string[] => given.flatMap(([key, value]) => (key === name ? [value] : []));
  const listed = (name: string): readonly string[] => values(name).flatMap((value) => value.split(','));
  if (values('exportType').join() !== exportType) throw badRequest(`exportType is not ${exportType}`);
  if (values('_outputFormat').some((format) => !formats.has(format))) throw unsupported('Files are NDJSON here');
  if (values('_typeFilter').length > 0 && !supportsTypeFilter) throw unsupported('_typeFilter is not supported here');
  const types = listed('_type');
  const strange = types.find((type) => !isExported(type));
  if (strange !== undefined) throw unsupported(`There is no ${strange} in an export`);
  const patients = listed('patient').map((reference) => reference.replace(/^.*Patient\//, ''));
  return {
    patients: patients.length > 0 ? patients : undefined,
    since: momentOf('_since', values('_since')[0]),
    until: momentOf('_until', values('_until')[0]),
    types: types.length > 0 ? types : undefined,
    typeFilters: values('_typeFilter'),
  };
};
