import {
  checkMethod,
  checkNotRepeated,
  header,
  headerText,
  parameters,
  payerOf,
  queryPairs,
  type ApiEvent,
} from '../../../../functions/shared/http/api.ts';
import { apiEvent } from '../../../support/gateway.ts';

describe('a REST API’s event', () => {
  it('finds a header by name in any letter case, and joins several', () => {
    const event = apiEvent('/x', { headers: { 'ACCEPT-language': 'de' } });
    event.multiValueHeaders['X-Many'] = ['a', 'b'];

    expect(header(event, 'accept-language')).toBe('de');
    expect(header(event, 'x-many')).toBe('a, b');
    expect(header(event, 'cookie')).toBeUndefined();
    expect([headerText(event, 'x-many'), headerText(event, 'cookie')]).toEqual(['a, b', '']);
  });

  it('may come with single-value headers only, or with none at all', () => {
    const single = { headers: { Accept: 'x' }, multiValueHeaders: null } as unknown as ApiEvent;
    const none = {
      headers: null,
      multiValueHeaders: null,
      multiValueQueryStringParameters: null,
    } as unknown as ApiEvent;

    expect(header(single, 'accept')).toBe('x');
    expect(header(none, 'accept')).toBeUndefined();
    expect(queryPairs(none)).toEqual([]);
    expect(payerOf({ pathParameters: null } as ApiEvent)).toBe('');
  });

  it('may name a header without a value, which leaves the single-value one', () => {
    const event = { headers: { Accept: 'x' }, multiValueHeaders: { Accept: undefined } } as unknown as ApiEvent;

    expect(header(event, 'accept')).toBe('x');
  });

  it('keeps repeated query parameters', () => {
    expect(queryPairs(apiEvent('/x', { query: 'a=1&b=2&a=3' }))).toEqual([
      ['a', '1'],
      ['a', '3'],
      ['b', '2'],
    ]);
    const odd = { multiValueQueryStringParameters: { a: undefined } } as unknown as ApiEvent;
    expect(queryPairs(odd)).toEqual([]);
  });
});

describe('parameters', () => {
  it('that are empty count as omitted, but a second one is a repetition', () => {
    const { values, repeated } = parameters([
      ['a', ''],
      ['b', '1'],
      ['b', ''],
    ]);

    expect([...values]).toEqual([['b', '1']]);
    expect([...repeated]).toEqual(['b']);
  });

  it('sent more than once are refused by name', () => {
    expect(() => checkNotRepeated(parameters([['a', '1']]))).not.toThrow();
    expect(() =>
      checkNotRepeated(
        parameters([
          ['a', '1'],
          ['a', '1'],
        ]),
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        status: 400,
        publicMessage: 'A parameter must not be sent more than once.',
      }),
    );
  });
});

describe('a method that is not allowed', () => {
  it('is refused with the allowed ones, for a person and for a client', () => {
    const refusal = { code: 'method_not_allowed', status: 405 };

    expect(() => checkMethod(apiEvent('/x', { method: 'POST' }), ['GET', 'POST'])).not.toThrow();
    expect(() => checkMethod(apiEvent('/x', { method: 'PUT' }), ['GET', 'POST'])).toThrow(
      expect.objectContaining({ ...refusal, publicMessage: 'Use GET or POST.', headers: { Allow: 'GET, POST' } }),
    );
    expect(() => checkMethod(apiEvent('/x'), ['POST'])).toThrow(
      expect.objectContaining({ ...refusal, publicMessage: 'Use POST.', headers: { Allow: 'POST' } }),
    );
  });
});
