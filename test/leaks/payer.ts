import {
  answer,
  answerFhir,
  bundleOf,
  type Endpoint,
  type Outcome,
  type PayerRequest,
} from '../support/payer/answers.ts';
import { strictPayers, type StrictPayers } from '../support/payer/strict-payers.ts';
import type { Garden } from './garden.ts';

/** The kinds of requests to a payer; the search for the member's patient is distinguished from other reads. */
export type Question = 'token' | 'revoke' | 'patient' | 'read';

/** Payers whose every token, id and name is a canary. */
export interface CanaryPayers extends StrictPayers {
  /** From now on every payer answers this request this way; `undefined` restores the usual answer. */
  readonly behave: (question: Question, outcome: Outcome | undefined) => void;
  readonly patientId: string;
  readonly observationId: string;
}

const endpointOf: Readonly<Record<Question, Endpoint>> = {
  token: 'token',
  revoke: 'revoke',
  patient: 'r4',
  read: 'r4',
};

const isPatientSearch = ({ method, path, url }: PayerRequest): boolean =>
  method === 'GET' && path === '/Patient' && url.search === '';

/** Records a request; the browser's trip to the payer is recorded where it was sent there. */
const see = (garden: Garden, { endpoint, url, headers, body, form }: PayerRequest): void => {
  if (endpoint === 'authorize') return;
  garden.see('request to the payer', url.href, JSON.stringify(headers), body);
  const [, , signature] = (form.get('client_assertion') ?? '').split('.');
  if (signature !== undefined) garden.note('our assertion', signature);
};

/** Makes them. Their access tokens live so briefly that every read refreshes them. */
export const canaryPayers = (garden: Garden, ids: readonly string[], nowMs: () => number): CanaryPayers => {
  const patientId = garden.canary('patient id');
  const observationId = garden.canary('path');
  const resource = (resourceType: string, id: string): object => ({
    resourceType,
    id,
    text: { status: 'generated', div: `<div>${garden.canary('resource')}</div>` },
    name: [{ family: garden.canary('resource') }],
    subject: { reference: `Patient/${patientId}` },
  });
  const passed = () => ({
    'content-type': 'application/fhir+json',
    etag: `W/"${garden.canary('payer header')}"`,
    'set-cookie': `session=${garden.canary('payer error')}`,
    server: garden.canary('payer error'),
    'www-authenticate': `Bearer realm="${garden.canary('payer error')}"`,
  });
  const payers = strictPayers({
    nowMs,
    mint: (kind) => garden.canary(kind === 'code' ? 'payer code' : 'payer token'),
    member: () => ({ patient: patientId, lives: 30, renews: true }),
    tokenAnswer: () => ({
      id_token: garden.canary('payer id_token'),
      patient: patientId,
      extra: garden.canary('payer error'),
    }),
    record: (request) => {
      const { path } = request;
      if (isPatientSearch(request)) return answerFhir(bundleOf(resource('Patient', patientId)));
      if (path.includes('/Binary/')) {
        return { status: 200, headers: { 'content-type': 'application/pdf' }, body: garden.canary('resource') };
      }
      const one = resource('Observation', observationId);
      return answer(200, /^\/(?:Patient|Observation)\/[^/]+$/.test(path) ? one : bundleOf(one), passed());
    },
    onRequest: (request) => see(garden, request),
    remembers: false,
  });
  const moods = new Map<Question, Outcome>();
  const behave: CanaryPayers['behave'] = (question, outcome) => {
    if (outcome === undefined) moods.delete(question);
    else moods.set(question, outcome);
    const endpoint = endpointOf[question];
    const script = async (request: PayerRequest, usual: () => Promise<Outcome>): Promise<Outcome> =>
      moods.get(endpoint === 'r4' ? (isPatientSearch(request) ? 'patient' : 'read') : (endpoint as Question)) ??
      usual();
    for (const id of ids) payers.script(id, { [endpoint]: script });
  };
  return { ...payers, behave, patientId, observationId };
};
