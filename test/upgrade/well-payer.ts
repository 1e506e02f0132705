import type { PayerHttp } from '../../functions/shared/payer/http.ts';

const northwind = 'http://127.0.0.1:3003/r4';

const fhir = (url: string): object => {
  const match = { search: { mode: 'match' }, resource: { resourceType: 'Patient', id: 'patient-1' } };
  const entry = /\/Patient(?:\?|$)/.test(url) ? [match] : [];
  const link = /[?&]_count=1(?:&|$)/.test(url)
    ? [{ relation: 'next', url: `${northwind}?_getpages=a&_getpagesoffset=1` }]
    : [];
  return { resourceType: 'Bundle', type: 'searchset', total: entry.length, link, entry };
};

/** A payer that answers as both sandbox payers do. A search with `_count=1` has a next page. */
export const wellPayer = () => {
  const requests: { readonly url: string; readonly form: URLSearchParams }[] = [];
  const http: PayerHttp = async (input, init) => {
    const url = String(input);
    requests.push({ url, form: new URLSearchParams(typeof init?.body === 'string' ? init.body : '') });
    if (url.includes('/revoke')) return new Response('');
    if (!url.includes('/token')) {
      return Response.json(fhir(url), { headers: { 'content-type': 'application/fhir+json' } });
    }
    return Response.json({
      access_token: 'payer-access-after',
      refresh_token: 'payer-refresh-after',
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'launch/patient patient/*.rs offline_access',
      patient: 'patient-1',
    });
  };
  return { http, requests };
};
