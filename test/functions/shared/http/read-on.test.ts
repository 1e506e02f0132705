import { GatewayError } from '../../../../functions/shared/errors.ts';
import { fhirError } from '../../../../functions/shared/fhir/operation-outcome.ts';
import { oauthError } from '../../../../functions/shared/http/respond.ts';
import { errorPage } from '../../../../functions/shared/pages/error-page.ts';
import { returnError, type PartnerReturn } from '../../../../functions/shared/partner/redirect-uri.ts';

const to = {
  redirectUri: 'https://app.example.org/back',
  state: 's',
  iss: 'https://gw.example.org/r4/a',
} as PartnerReturn;
const view = { operator: { name: 'Us' }, language: 'es', method: 'GET', pairs: [] } as const;
const denied = new GatewayError('access_denied', 'No.');
const used = new GatewayError('invalid_grant', 'No.');

const told = {
  'an OAuth error': () => oauthError(used, 'ref-1').body as string,
  'an OperationOutcome': () => fhirError(denied, 'ref-1').body as string,
  'a redirect': () => returnError(to, denied, 'ref-1').headers['Location'] ?? '',
  'a page': () => errorPage(view, denied, 'ref-1').body as string,
};

describe('where to read on about an error', () => {
  afterEach(() => {
    delete process.env['ERRORS_URL'];
  });

  it.each<[keyof typeof told, string]>([
    ['an OAuth error', '"error_uri":"https://docs.example.org/errors#token-400-invalid_grant"}'],
    [
      'an OperationOutcome',
      '"diagnostics":"No. (reference ref-1) See https://docs.example.org/errors#fhir-403-access_denied"',
    ],
    ['a redirect', '&error_uri=https%3A%2F%2Fdocs.example.org%2Ferrors%23redirect-access_denied&'],
    ['a page', '<a href="https://docs.example.org/errors#page-403-access_denied">'],
  ])('is in %s, if the stage has a page about errors; else nothing is', (what, part) => {
    expect(told[what]()).not.toMatch(/error_uri| See |docs\.example/);
    process.env['ERRORS_URL'] = 'https://docs.example.org/errors';
    expect(told[what]()).toContain(part);
  });
});
