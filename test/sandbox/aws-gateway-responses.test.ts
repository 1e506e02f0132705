import type { IncomingMessage } from 'node:http';
import { gatewayAnswer, substitute } from '../../sandbox/aws/gateway-responses.ts';
import type { GatewayResponseSpec } from '../../sandbox/aws/template-data.ts';

const specOf = (type: string, more: Partial<GatewayResponseSpec> = {}): GatewayResponseSpec => ({
  type,
  headers: {},
  templates: { 'application/json': `{"spec":"${type}"}` },
  ...more,
});
const tooLarge = { type: 'REQUEST_TOO_LARGE', status: 413, message: 'It is "too" long' };
const answer = (own: typeof tooLarge, specs: readonly GatewayResponseSpec[], headers: Record<string, string> = {}) =>
  gatewayAnswer(own, { headers } as IncomingMessage, specs, { requestId: 'r-1' });

describe('a response of API Gateway itself', () => {
  it.each([
    [413, ['DEFAULT_4XX', 'REQUEST_TOO_LARGE'], 'REQUEST_TOO_LARGE'],
    [413, ['DEFAULT_5XX', 'DEFAULT_4XX'], 'DEFAULT_4XX'],
    [499, ['DEFAULT_5XX', 'DEFAULT_4XX'], 'DEFAULT_4XX'],
    [500, ['DEFAULT_4XX', 'DEFAULT_5XX'], 'DEFAULT_5XX'],
  ])('with %i is, of %j, the one of its own type or else of its class', (status, types, expected) => {
    const { body } = answer(
      { ...tooLarge, status },
      types.map((type) => specOf(type)),
    );
    expect(body).toBe(`{"spec":"${expected}"}`);
  });

  it('is its message in JSON if the stack defines none', () => {
    expect(answer(tooLarge, [])).toEqual({
      status: 413,
      headers: { 'content-type': 'application/json' },
      body: String.raw`{"message":"It is \"too\" long"}`,
    });
    expect(answer(tooLarge, [specOf('DEFAULT_4XX', { templates: {} })]).body).toContain('"message"');
  });

  it('has the status that the stack defines', () => {
    expect(answer(tooLarge, [specOf('REQUEST_TOO_LARGE', { status: 400 })]).status).toBe(400);
  });

  it('has headers from literals, the context or the request, and omits those without a value', () => {
    const headers = {
      literal: "'it''s'",
      id: 'context.requestId',
      missing: 'context.nothing',
      origin: 'method.request.header.Origin',
      'not-sent': 'method.request.header.X-None',
      'content-type': "'application/problem+json'",
    };
    expect(answer(tooLarge, [specOf('DEFAULT_4XX', { headers })], { origin: 'https://a.example' }).headers).toEqual({
      literal: "it''s",
      id: 'r-1',
      origin: 'https://a.example',
      'content-type': 'application/problem+json',
    });
  });

  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['text/html', 'html'],
    ['text/html;q=0.9, application/json', 'html'],
    ['application/json, text/html', 'json'],
    ['toString', 'json'],
  ])('for Accept %s is the %s of the two templates', (accept, expected) => {
    const templates = { 'text/html': 'html', 'application/json': 'json' };
    const spec = specOf('DEFAULT_4XX', { templates });
    expect(answer(tooLarge, [spec], accept === undefined ? {} : { accept }).body).toBe(expected);
  });
});

it('an unknown variable is replaced with the given placeholder, or with nothing', () => {
  expect(substitute('$context.a.b $context.c.', { 'a.b': 'x' }, '-')).toBe('x -.');
  expect(substitute('[$context.c]', {})).toBe('[]');
});
