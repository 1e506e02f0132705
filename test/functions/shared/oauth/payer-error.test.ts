import type { Signal } from '../../../../functions/shared/errors.ts';
import {
  PayerError,
  type PayerFailure,
  loginFailure,
  readFailure,
} from '../../../../functions/shared/oauth/payer-error.ts';

describe('a payer’s failure', () => {
  it.each<[PayerFailure, string, number, string, Signal | undefined]>([
    ['timeout', 'payer_timeout', 504, 'temporarily_unavailable', 'payerDown'],
    ['unavailable', 'temporarily_unavailable', 503, 'temporarily_unavailable', 'payerDown'],
    ['invalid_client', 'temporarily_unavailable', 503, 'temporarily_unavailable', 'secretMissing'],
    ['invalid_grant', 'payer_error', 502, 'server_error', undefined],
    ['nonsense', 'payer_error', 502, 'server_error', 'payerDown'],
  ])(
    '%s is %s %i on the FHIR route and %s at a login, raises %s, and its detail is for the log only',
    (failure, code, status, login, signal) => {
      const error = new PayerError(failure, 'private detail');

      expect(readFailure(error)).toMatchObject({ code, status, detail: 'private detail', signal });
      expect(loginFailure(error)).toMatchObject({ code: login, detail: 'private detail', signal });
      expect(readFailure(error).publicMessage + loginFailure(error).publicMessage).not.toContain('private');
    },
  );
});
