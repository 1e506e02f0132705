import {
  PayerError,
  type PayerFailure,
  loginFailure,
  readFailure,
} from '../../../../functions/shared/oauth/payer-error.ts';

describe('a payer’s failure', () => {
  it.each<[PayerFailure, string, number, string]>([
    ['timeout', 'payer_timeout', 504, 'temporarily_unavailable'],
    ['unavailable', 'temporarily_unavailable', 503, 'temporarily_unavailable'],
    ['invalid_client', 'temporarily_unavailable', 503, 'temporarily_unavailable'],
    ['invalid_grant', 'payer_error', 502, 'server_error'],
    ['nonsense', 'payer_error', 502, 'server_error'],
  ])(
    '%s is %s %i on the FHIR route and %s at a login, and its detail is for the log only',
    (failure, code, status, login) => {
      const error = new PayerError(failure, 'private detail');

      expect(readFailure(error)).toMatchObject({ code, status, detail: 'private detail' });
      expect(loginFailure(error)).toMatchObject({ code: login, detail: 'private detail' });
      expect(readFailure(error).publicMessage + loginFailure(error).publicMessage).not.toContain('private');
    },
  );
});
