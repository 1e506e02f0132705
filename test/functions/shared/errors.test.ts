import { GatewayError, asGatewayError, causeOf } from '../../../functions/shared/errors.ts';

describe('errors', () => {
  it('that nobody foresaw become server_error, named for the log without their messages', () => {
    const cause = Object.assign(new Error('canary'), { code: 'ECONNRESET' });
    const error = asGatewayError(new TypeError('canary', { cause }));

    expect(error).toMatchObject({ code: 'server_error', status: 500, detail: 'TypeError < Error:ECONNRESET' });
    expect(JSON.stringify(Object.entries(error))).not.toContain('canary');
    expect(causeOf('canary')).toBe('unknown');
  });

  it('that form a ring are named all the same', () => {
    const ring = new Error('x');
    ring.cause = ring;

    expect(causeOf(ring)).toBe('Error < Error < Error < Error');
  });

  it('of the gateway stay themselves', () => {
    const error = new GatewayError('invalid_scope', 'No.');

    expect(asGatewayError(error)).toBe(error);
    expect(error.status).toBe(400);
  });
});
