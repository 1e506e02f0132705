import type { Garden } from './garden.ts';

/** A request that reached the payer. */
export interface PayerRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** What the payer does with a request. */
export type PayerAnswer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      /** The connection breaks after the body so far. */
      readonly cut?: boolean;
    }
  /** It does not answer: time passes, or the connection breaks. */
  | 'timeout'
  | 'reset';

/** What a payer is asked. */
export type Endpoint = 'token' | 'revoke' | 'patient' | 'read';

/** A payer whose every token, id and name is a canary. */
export interface Payer {
  readonly answer: (request: PayerRequest) => PayerAnswer;
  /** From here on an endpoint answers so; `undefined` is as usual. */
  readonly behave: (endpoint: Endpoint, answer: PayerAnswer | undefined) => void;
  readonly patientId: string;
  readonly observationId: string;
}

const json = (value: unknown, headers: Readonly<Record<string, string>> = {}): PayerAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/fhir+json', ...headers },
  body: JSON.stringify(value),
});

const endpointOf = ({ url, method }: PayerRequest): Endpoint =>
  url.pathname.endsWith('/token')
    ? 'token'
    : url.pathname.endsWith('/revoke')
      ? 'revoke'
      : method === 'GET' && url.pathname.endsWith('/r4/Patient') && url.search === ''
        ? 'patient'
        : 'read';

/** Makes one. Its access tokens live so short that every read refreshes them. */
export const canaryPayer = (garden: Garden): Payer => {
  const moods = new Map<Endpoint, PayerAnswer>();
  const patientId = garden.canary('patient id');
  const observationId = garden.canary('path');
  const resource = (resourceType: string, id: string): object => ({
    resourceType,
    id,
    text: { status: 'generated', div: `<div>${garden.canary('resource')}</div>` },
    name: [{ family: garden.canary('resource') }],
    subject: { reference: `Patient/${patientId}` },
  });
  const tokens = (): PayerAnswer =>
    json({
      access_token: garden.canary('payer token'),
      refresh_token: garden.canary('payer token'),
      id_token: garden.canary('payer id_token'),
      token_type: 'Bearer',
      expires_in: 30,
      scope: 'launch/patient patient/*.rs offline_access',
      patient: patientId,
      extra: garden.canary('payer error'),
    });
  const bundle = (...resources: readonly object[]): object => ({
    resourceType: 'Bundle',
    type: 'searchset',
    entry: resources.map((one) => ({ resource: one, search: { mode: 'match' } })),
  });
  const passed = () => ({
    etag: `W/"${garden.canary('payer header')}"`,
    'set-cookie': `session=${garden.canary('payer error')}`,
    server: garden.canary('payer error'),
    'www-authenticate': `Bearer realm="${garden.canary('payer error')}"`,
  });
  return {
    patientId,
    observationId,
    behave: (endpoint, answer) => void (answer === undefined ? moods.delete(endpoint) : moods.set(endpoint, answer)),
    answer: (request) => {
      const endpoint = endpointOf(request);
      const mood = moods.get(endpoint);
      if (mood !== undefined) return mood;
      if (endpoint === 'token') return tokens();
      if (endpoint === 'revoke') return { status: 200 };
      if (endpoint === 'patient') return json(bundle(resource('Patient', patientId)));
      if (request.url.pathname.includes('/Binary/')) {
        return { status: 200, headers: { 'content-type': 'application/pdf' }, body: garden.canary('resource') };
      }
      return json(
        /\/(?:Patient|Observation)\/[^/]+$/.test(request.url.pathname)
          ? resource('Observation', observationId)
          : bundle(resource('Observation', observationId)),
        passed(),
      );
    },
  };
};
