import { GatewayError } from '../../../../functions/shared/errors.ts';
import { json, oauthError } from '../../../../functions/shared/http/respond.ts';

const always = {
  'Content-Type': 'application/json',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
};

describe('a JSON answer', () => {
  it('is never sniffed, and may have more headers', () => {
    expect(json(201, { a: 1 }, { ETag: '"1"' })).toEqual({
      statusCode: 201,
      headers: { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff', ETag: '"1"' },
      body: '{"a":1}',
    });
  });
});

describe('an OAuth error', () => {
  it('has its code, the public sentence and the reference, nothing else, and is never stored', () => {
    const error = new GatewayError('invalid_grant', 'The code is not known.', { detail: 'private' });

    expect(oauthError(error, 'ref-1')).toEqual({
      statusCode: 400,
      headers: always,
      body: '{"error":"invalid_grant","error_description":"The code is not known. (reference ref-1)"}',
    });
  });

  it('names the way to authenticate with 401 and only with 401 (RFC 6749 §5.2)', () => {
    const challenge = { 'WWW-Authenticate': 'Basic realm="gateway", charset="UTF-8"' };

    for (const status of [400, 401, 403, 405, 429, 500, 503]) {
      expect(oauthError(new GatewayError('invalid_client', 'No.', { status }), 'ref-1').headers).toEqual(
        status === 401 ? { ...always, ...challenge } : always,
      );
    }
  });

  it('has Retry-After if known, even if it is zero', () => {
    for (const retryAfterSeconds of [0, 30]) {
      const error = new GatewayError('temporarily_unavailable', 'Later.', { status: 503, retryAfterSeconds });

      expect(oauthError(error, 'ref-1').headers).toEqual({ ...always, 'Retry-After': String(retryAfterSeconds) });
    }
  });

  it('uses OAuth’s own codes, and has the error’s headers', () => {
    const error = new GatewayError('method_not_allowed', 'Use POST.', { status: 405, headers: { Allow: 'POST' } });

    expect(oauthError(error, 'ref-1')).toEqual({
      statusCode: 405,
      headers: { ...always, Allow: 'POST' },
      body: '{"error":"invalid_request","error_description":"Use POST. (reference ref-1)"}',
    });
  });
});
