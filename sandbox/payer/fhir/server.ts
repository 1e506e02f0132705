import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bundle } from './bundle.ts';
import { capabilityStatement } from './capability.ts';
import type { OAuthUris } from './capability.ts';
import { patientCompartment } from './definitions.ts';
import { everything } from './everything.ts';
import type { SearchScope } from './filter.ts';
import { FhirError, notFound, operationOutcome } from './outcome.ts';
import type { Parameters } from './query.ts';
import { loadViews, onlyTypes, patientsOf, type MemberView, type RecordStore } from './records.ts';
import { checkFormat, readRequest } from './request.ts';
import { storeResource, type StoredResource } from './resource.ts';
import { sendBundle, sendJson, sendResource } from './respond.ts';
import { search } from './search.ts';

export interface FhirApiOptions {
  /** The public base URL, without a trailing slash, such as `http://127.0.0.1:3001/r4`. */
  readonly baseUrl: string;
  /** If given, named in the CapabilityStatement. */
  readonly oauth?: OAuthUris;
  /** The number of bytes after which a bundle is cut, called for each bundle. Default: none is cut. */
  readonly cutAfter?: () => number | undefined;
  /** The status of a search that finds nothing. Default: 200, with a Bundle. */
  readonly emptySearchStatus?: 204 | undefined;
  /** Whether resources of a type are here at all. Default: all are. */
  readonly isServed?: (type: string) => boolean;
  /** Whether the CapabilityStatement has the operations of a former plan. Default: it has not. */
  readonly isFormerPlan?: boolean;
  /** Gets unexpected errors, which are answered with 500. */
  readonly onError?: (error: unknown) => void;
}

/** The member of a request. */
export interface FhirMember {
  readonly patientId: string;
  /** The resource types that the member shared. Default: all. */
  readonly types?: readonly string[] | undefined;
}

/** Answers one request for one member. Without a member, only `metadata` is answered, and the rest is 401. */
export type FhirApi = (request: IncomingMessage, response: ServerResponse, member?: FhirMember) => Promise<void>;

/**
 * A small read-only FHIR R4 API over members' records: read, vread, history, search, compartment search, `$everything`
 * and `metadata`. A member sees their own compartment and what it refers to. For them, nothing else exists.
 */
export const createFhirApi = (records: RecordStore, options: FhirApiOptions): FhirApi => {
  const { baseUrl, oauth, cutAfter, onError, emptySearchStatus, isServed = () => true, isFormerPlan = false } = options;
  const views = loadViews(records, baseUrl);
  const types = servedTypes(views).filter(isServed);
  let metadata: string | undefined;

  return async (request, response, member) => {
    try {
      const { segments, parameters, posted } = await readRequest(request, baseUrl);
      if (segments.length === 1 && segments[0] === 'metadata') {
        checkFormat(request, parameters);
        metadata ??= capabilityStatement(baseUrl, types, { oauth, isFormerPlan });
        return sendJson(response, 200, metadata);
      }
      const shared = member && viewOf(views, member);
      if (!shared) throw unauthorized();
      const view = options.isServed === undefined ? shared : onlyTypes(shared, types);
      const answer = route({ view, baseUrl }, types, segments, parameters, posted);
      // A Binary is served in its own format.
      if (segments[0] !== 'Binary') checkFormat(request, parameters);
      if (emptySearchStatus !== undefined && isEmptySearch(answer)) return void response.writeHead(204).end();
      if ('entries' in answer) return await sendBundle(request, response, answer, cutAfter?.());
      return sendResource(request, response, answer, baseUrl);
    } catch (error) {
      if (!(error instanceof FhirError)) onError?.(error);
      sendError(response, error);
    }
  };
};

const isEmptySearch = (answer: Bundle | StoredResource): boolean =>
  'entries' in answer && answer.type === 'searchset' && answer.total === 0;

const route = (
  scope: SearchScope,
  types: readonly string[],
  [type = '', id, third, fourth, ...rest]: readonly string[],
  parameters: Parameters,
  posted: boolean,
): Bundle | StoredResource => {
  if (type === '') throw new FhirError(404, 'not-supported', 'This health plan searches one resource type at a time');
  if (!types.includes(type)) throw new FhirError(404, 'not-supported', `There is no resource type "${type}" here`);
  if (id === undefined) return search(scope, type, type, parameters);
  const resource = find(scope, type, id);
  if (rest.length > 0) throw notFound('There is nothing at this path');
  if (type === 'Patient' && third !== undefined && types.includes(third) && fourth === undefined) {
    return searchCompartment(scope, third, parameters);
  }
  // CARIN Digital Insurance Card returns coverages, too.
  if (type === 'Patient' && third === '$generate-insurance-card' && fourth === undefined && !posted) {
    return searchCompartment(scope, 'Coverage', []);
  }
  if (posted) throw notFound('There is nothing to search at this path');
  if (type === 'Patient' && third === '*') {
    throw new FhirError(
      404,
      'not-supported',
      'This health plan does not search all types of a member; use $everything',
    );
  }
  if (third === undefined) return resource;
  if (type === 'Patient' && third === '$everything' && fourth === undefined) return everything(scope, parameters);
  if (third !== '_history') throw notFound('There is nothing at this path');
  if (fourth === undefined) return history(scope.baseUrl, resource);
  if (fourth !== resource.body.meta.versionId) throw notFound(`${type}/${id} has no version "${fourth}"`);
  return resource;
};

/** What the member shared. The rest is answered like what does not exist. */
const viewOf = (views: ReadonlyMap<string, MemberView>, { patientId, types }: FhirMember): MemberView | undefined => {
  const view = views.get(patientId);
  return view && types ? onlyTypes(view, types) : view;
};

/** A resource that the member may see. Another member's is answered like one that does not exist. */
const find = ({ view, baseUrl }: SearchScope, type: string, id: string): StoredResource => {
  const stored = view.resources.get(`${type}/${id}`);
  if (stored) return stored;
  const { onTheFly } = view;
  const index = onTheFly?.resourceType === type ? onTheFly.indexOf(id) : undefined;
  if (!onTheFly || index === undefined) throw notFound(`There is no ${type}/${id}`);
  return storeResource(onTheFly.text(index), baseUrl);
};

/** `Patient/{id}/{type}`: the resources of the type that are in the member's compartment. */
const searchCompartment = (scope: SearchScope, type: string, parameters: Parameters): Bundle => {
  const mine = `Patient/${scope.view.patientId}`;
  const resources = Array.from(scope.view.resources).filter(([, resource]) => patientsOf(resource).includes(mine));
  const compartment = { ...scope, view: { ...scope.view, resources: new Map(resources) } };
  return search(compartment, type, `${mine}/${type}`, parameters);
};

/** Only the newest version of a resource is kept, so its history is that one. */
const history = (baseUrl: string, { reference, text, body }: StoredResource): Bundle => {
  const { versionId, lastUpdated } = body.meta;
  const location = `${baseUrl}/${reference}/_history/${versionId}`;
  const beside = {
    request: { method: 'PUT', url: reference },
    response: { status: '201', location, etag: `W/"${versionId}"`, lastModified: lastUpdated },
  };
  const links = [{ relation: 'self', url: `${baseUrl}/${reference}/_history` }];
  return { type: 'history', total: 1, links, entries: [{ fullUrl: `${baseUrl}/${reference}`, text, beside }] };
};

/** The types in patients' compartments, and those that their records refer to. */
const servedTypes = (views: ReadonlyMap<string, MemberView>): string[] => {
  const stored = Array.from(views.values()).flatMap(({ resources }) => Array.from(resources.values()));
  return Array.from(new Set([...patientCompartment().keys(), ...stored.map(({ body }) => body.resourceType)])).sort();
};

const unauthorized = (): FhirError => {
  return new FhirError(401, 'login', 'An access token is required', { 'www-authenticate': 'Bearer' });
};

const sendError = (response: ServerResponse, error: unknown): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (!(error instanceof FhirError)) {
    sendJson(response, 500, operationOutcome('exception', 'Something went wrong'));
    return;
  }
  sendJson(response, error.status, operationOutcome(error.code, error.message), error.headers);
};
