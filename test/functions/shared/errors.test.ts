import { asGatewayError, causeOf, GatewayError, unavailable } from '../../../functions/shared/errors.ts';

describe('errors', () => {
  it('that are unexpected become server_error, and the log has their names without their messages', () => {
    const cause = Object.assign(new Error('canary'), { code: 'ECONNRESET' });
    const error = asGatewayError(new TypeError('canary', { cause }));

    expect(error).toMatchObject({ code: 'server_error', status: 500, detail: 'TypeError < Error:ECONNRESET' });
    expect(error.publicMessage).toBe('Something went wrong on our side.');
    expect(JSON.stringify(Object.entries(error))).not.toContain('canary');
    expect(causeOf('canary')).toBe('unknown');
  });

  it('that form a cycle are named, too', () => {
    const ring = new Error('x');
    ring.cause = ring;

    expect(causeOf(ring)).toBe('Error < Error < Error < Error');
  });

  it('are named by their name and code, if these are strings', () => {
    // The code of a DOMException is a number.
    expect(causeOf(new DOMException('canary', 'AbortError'))).toBe('AbortError');
    expect(causeOf({ message: 'canary', name: 'Odd', code: { canary: 1 } })).toBe('Odd');
    expect(causeOf(new GatewayError('invalid_grant', 'canary'))).toBe('GatewayError:invalid_grant');
    for (const damaged of [null, undefined, {}, { message: 'canary' }, { message: 'canary', name: 7 }, { name: 'x' }]) {
      expect(causeOf(damaged)).toBe('unknown');
      expect(causeOf(new Error('canary', { cause: damaged }))).toBe('Error');
    }
  });

  it('of a dependency ask the caller to retry, after five seconds by default', () => {
    const error = unavailable('the table is away');

    expect(error).toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
      publicMessage: 'The service is briefly unavailable. Please try again.',
      detail: 'the table is away',
      retryAfterSeconds: 5,
    });
    expect(unavailable('x', 30).retryAfterSeconds).toBe(30);
  });

  it('of the gateway stay as they are', () => {
    const error = new GatewayError('invalid_scope', 'No.');

    expect(asGatewayError(error)).toBe(error);
    expect(error.status).toBe(400);
  });
});
