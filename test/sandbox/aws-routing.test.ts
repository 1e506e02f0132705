import { routerOf } from '../../sandbox/aws/routing.ts';
import { words } from '../support/words.ts';

const route = (path: string, method = 'ANY') => ({ path, method, functionName: '', streaming: false, timeoutMs: 1 });
const find = routerOf([
  route('/r4/{payer}/{proxy+}'),
  route('/r4/{payer}/metadata/{more}'),
  route('/r4/demo/{proxy+}'),
  route('/r4/demo'),
  route('/r4/{payer}'),
  route('/r4/{payer}/metadata'),
  route('/r4/{payer}/.well-known/smart-configuration'),
  route('/oauth2/token'),
  route('/only-get', 'GET'),
  route('/both', 'GET'),
  route('/both'),
  route('/{any}', 'POST'),
]);

describe('the router', () => {
  it.each([
    ['/r4/x', '/r4/{payer}', { payer: 'x' }],
    ['/r4/x/', '/r4/{payer}', { payer: 'x' }],
    ['/r4/x/metadata', '/r4/{payer}/metadata', { payer: 'x' }],
    ['/r4/x/metadata/', '/r4/{payer}/metadata', { payer: 'x' }],
    ['/r4/x/metadata/more', '/r4/{payer}/metadata/{more}', { payer: 'x', more: 'more' }],
    ['/r4/x/metadata/more/still', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'metadata/more/still' }],
    ['/r4/demo', '/r4/demo', {}],
    // From the left: an earlier exact segment wins over a later one.
    ['/r4/demo/metadata', '/r4/demo/{proxy+}', { proxy: 'metadata' }],
    ['/r4/x/.well-known/other', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: '.well-known/other' }],
    ['/r4/x/Patient/1/_history/2', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient/1/_history/2' }],
    ['/r4/x/Patient/a%2Fb', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient/a/b' }],
    // Decoded once, and a plus sign is no space in a path.
    ['/r4/x/Patient/a%252Fb', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient/a%2Fb' }],
    ['/r4/x/Patient/%25%32%46+b', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient/%2F+b' }],
    ['/r4/x%2Fmetadata', '/r4/{payer}', { payer: 'x/metadata' }],
    ['/r4/%2E%2E/metadata', '/r4/{payer}/metadata', { payer: '..' }],
    ['/r4/x/Patient//1', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient//1' }],
    ['/oauth2/token/', '/oauth2/token', {}],
  ])('sends %s to %s', (path, expected, parameters) => {
    const match = find('GET', path);
    expect(match?.route.path).toBe(expected);
    expect(match?.pathParameters).toEqual(parameters);
  });

  it.each(
    words(`
    / /r4 /r4/ /oauth2/token/x /oauth2/token// /oauth2/%74oken /OAUTH2/token /r4x //oauth2/token /r4//metadata
    /r4//Patient
  `),
  )('sends %s nowhere', (path) => {
    expect(find('GET', path)).toBeUndefined();
  });

  it('sends the root to its own route only', () => {
    const withRoot = routerOf([route('/'), route('/{any}')]);
    expect(withRoot('GET', '/')?.route.path).toBe('/');
    expect(withRoot('GET', '/x')?.route.path).toBe('/{any}');
    expect(withRoot('GET', '//')?.route.path).toBe('/');
  });

  it('takes a method of its own before ANY, and refuses one that the path does not have, though another pattern has it', () => {
    expect(find('GET', '/both')?.route.method).toBe('GET');
    expect(find('POST', '/both')?.route.method).toBe('ANY');
    expect(find('POST', '/only-get')).toBeUndefined();
    expect(find('POST', '/another')?.route.path).toBe('/{any}');
  });

  it('does not decode a broken escape', () => {
    expect(() => find('GET', '/r4/%zz')).toThrow(URIError);
  });
});
