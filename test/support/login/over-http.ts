import type { GatewayRequest } from './requests.ts';
import type { Line, Seen } from './steps.ts';

const encoded = (value: string): string => value.split('/').map(encodeURIComponent).join('/');

const urlOf = (origin: string, { route, path = {}, query = [] }: GatewayRequest): URL => {
  const url = new URL(origin + route.replaceAll(/\{(\w+)\+?\}/g, (_all, name: string) => encoded(path[name] ?? '')));
  for (const [name, value] of query) url.searchParams.append(name, value);
  return url;
};

/** Sends a request to a local or deployed stage; the test follows redirects itself. */
export const sendTo = (origin: string, request: GatewayRequest, init: RequestInit = {}): Promise<Response> => {
  const { method = 'GET', form, headers: given = {} } = request;
  const headers = new Headers(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' });
  for (const [name, value] of Object.entries(given)) headers.set(name, value);
  const body = form === undefined || typeof form === 'string' ? form : new URLSearchParams(form).toString();
  return fetch(urlOf(origin, request), { method, redirect: 'manual', headers, body, ...init });
};

export const lookAt = (response: Response): Seen => ({
  status: response.status,
  location: response.headers.get('location') ?? undefined,
  cookies: response.headers.getSetCookie(),
  text: () => response.text(),
});

/** Opens a payer that signs everyone in at once. */
export const openPayer = async (payerUrl: URL): Promise<URL> => {
  const location = (await fetch(payerUrl, { redirect: 'manual' })).headers.get('location');
  if (location === null) throw new Error('the payer did not send the member back');
  return new URL(location);
};

/** A stage over HTTP. */
export const overHttp = (origin: string, signIn: Line<Response>['signIn'] = openPayer): Line<Response> => ({
  send: (request) => sendTo(origin, request),
  look: lookAt,
  signIn,
});
