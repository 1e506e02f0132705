import { causeOf, type Signal } from '../../../../functions/shared/errors.ts';
import {
  failureAtLogin,
  failureAtRead,
  PayerError,
  type PayerFailure,
} from '../../../../functions/shared/payer/errors.ts';

describe('a payer’s failure', () => {
  const late = { code: 'payer_timeout', status: 504, publicMessage: 'The health plan did not answer in time.' };
  const out = {
    code: 'temporarily_unavailable',
    status: 503,
    retryAfterSeconds: 30,
    publicMessage: 'The health plan is not available at the moment.',
  };
  const unusable = 'The health plan gave an answer that cannot be used.';
  const bad = { code: 'payer_error', status: 502, publicMessage: unusable };
  const outAtLogin = {
    code: 'temporarily_unavailable',
    publicMessage: 'The health plan cannot be reached at the moment. Please try again later.',
  };
  const badAtLogin = { code: 'server_error', publicMessage: unusable };

  it.each<[PayerFailure, Signal | undefined, { code: string }, { code: string }]>([
    ['timeout', 'payerDown', late, outAtLogin],
    ['unavailable', 'payerDown', out, outAtLogin],
    ['invalid_client', 'secretMissing', out, outAtLogin],
    ['invalid_grant', undefined, bad, badAtLogin],
    ['nonsense', 'payerDown', bad, badAtLogin],
    ['invalid_scope', 'payerDown', bad, badAtLogin],
    ['refused', 'payerDown', bad, badAtLogin],
  ])(
    '%s raises %s, is reported by its code and a sentence on the FHIR route and at a login, and its detail is only logged',
    (failure, signal, onRead, atLogin) => {
      const error = new PayerError(failure, 'private detail');

      expect(failureAtRead(error)).toMatchObject({ ...onRead, detail: 'private detail', signal });
      expect(failureAtLogin(error)).toMatchObject({ ...atLogin, detail: 'private detail', signal });
    },
  );

  it('that is not translated is named in the log', () => {
    expect(causeOf(new PayerError('timeout', 'private detail'))).toBe('PayerError');
  });
});
