import { words } from '../support/words.ts';

/** Other spellings of a redirect URI, by kind: those that careless comparisons have accepted. */

const parts = (uri: string): { scheme: string; host: string; port: string; path: string; query: string } => {
  const [, scheme = '', , host = '', port = '', path = '', query = ''] =
    /^([a-z.]+):(\/\/(\[[^\]]+\]|[^/:?]*))?(:\d+)?([^?]*)(\?.*)?$/.exec(uri) ?? [];
  return { scheme, host, port, path, query };
};

const upToLast = (text: string): string => text.slice(0, -1);
const encoded = (character: string): string => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

const eachLetter = (uri: string, change: (letter: string) => string): string[] =>
  uri
    .split('')
    .flatMap((letter, at) =>
      change(letter) === letter ? [] : [uri.slice(0, at) + change(letter) + uri.slice(at + 1)],
    );

const otherCase = (letter: string): string =>
  letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();

/** Letters of other alphabets that look like Latin ones, and full-width forms, which IDNA maps to Latin letters. */
const lookAlikes: Readonly<Record<string, string>> = {
  a: 'а', // Cyrillic
  e: 'е',
  o: 'о',
  p: 'р',
  c: 'с',
  x: 'х',
  l: 'ⅼ',
  k: '\u212a', // Kelvin, which is lower-cased to k
  s: 'ſ',
  '.': '。',
  '/': '／',
};

/** All spellings of a registered redirect URI by kind; none is the URI itself. */
export const spellingsOf = (uri: string): Readonly<Record<string, readonly string[]>> => {
  const { scheme, host, port, path, query } = parts(uri);
  const authority = host + port;
  const at = (changed: string): string => `${scheme}://${changed}${path}${query}`;
  const on = (changed: string): string => `${scheme}://${authority}${changed}`;
  const name = host.replace(/^\[|\]$/g, '');
  const kinds: Record<string, readonly string[]> = {
    case: [uri.toUpperCase(), ...eachLetter(uri, otherCase)],
    userinfo: ['user@', 'user:secret@', '@', ':@', 'https%3A@', `${authority}@`].map((user) => at(user + authority)),
    'another host behind userinfo': [
      at(`${authority}@evil.example`),
      at(`${authority}:x@evil.example`),
      at(`evil.example#@${authority}`),
      at(`evil.example\\@${authority}`),
      at(`evil.example/@${authority}`),
      at(`evil.example?@${authority}`),
      at(`${authority}%40evil.example`),
      at(`${authority}%00@evil.example`),
    ],
    'several @': ['a@b@', '@@', 'evil.example@x@', `${authority}@evil.example@`].map((user) => at(user + authority)),
    'dot segments': words('/..; /.. /. /./. /; /..;/.. /%2e /%2e%2e /.%2e /%2e%2e; /..%00').flatMap((dots) => [
      on(`${path}${dots}${path}${query}`),
      on(`${dots}${path}${query}`),
      on(`${path}${dots}${query}`),
    ]),
    'encoded slashes': ['%2f', '%2F', '%5c', '%5C', '%252f', '//', '///', '/\\', '／'].map((slash) =>
      on(path.replaceAll('/', slash) + query),
    ),
    'encoded letters': [
      ...eachLetter(path, (letter) => (/[a-z]/.test(letter) ? encoded(letter) : letter)).map((one) => on(one + query)),
      ...eachLetter(path, (letter) => (/[a-z]/.test(letter) ? `%25${encoded(letter).slice(1)}` : letter)).map((one) =>
        on(one + query),
      ),
      ...eachLetter(host, (letter) => (/[a-z1-9]/.test(letter) ? encoded(letter) : letter)).map((one) =>
        at(one + port),
      ),
    ],
    'added query': ['?', '?a=b', '&a=b', '?code=x', '&code=x', ';a=b', '?state=x&iss=y', '%3Fa=b'].map(
      (end) => uri + end,
    ),
    'added fragment': ['#', '#a', '#/', '##', '%23', '#?code=x', '?#'].map((end) => uri + end),
    'added path': ['/', '//', '/x', '/../', '.', 'x', '/%2e%2e/', '%2f', '\\', '/..;/x', '*'].map((end) => uri + end),
    'shorter path': [
      upToLast(uri),
      `${scheme}://${authority}`,
      `${scheme}://${authority}/`,
      upToLast(upToLast(uri)),
      '',
    ],
    'white space': [
      '\t',
      '\n',
      '\r',
      '\r\n',
      ' ',
      '\u00a0',
      '\u2028',
      '\ufeff',
      '\0',
      '\v',
      ...words('%09 %0a %0d%0a %20 %00 +'),
    ].flatMap((space) => [
      uri + space,
      space + uri,
      at(authority + space),
      at(space + authority),
      on(`${path.slice(0, 3)}${space}${path.slice(3)}${query}`),
      `${scheme.slice(0, 2)}${space}${scheme.slice(2)}://${authority}${path}${query}`,
    ]),
    backslashes: [
      uri.replaceAll('/', '\\'),
      `${scheme}:\\\\${authority}${path}${query}`,
      `${scheme}:/\\${authority}${path}${query}`,
      `${scheme}:\\/${authority}${path}${query}`,
      on(path.replaceAll('/', '\\') + query),
      at(`${authority}\\.evil.example`),
      at(`${authority}\\evil.example`),
      `\\\\${authority}${path}`,
    ],
    'spellings of IPv4': words(`
      127.1 2130706433 0x7f000001 0177.0.0.1 127.0.0.1. 127.0.1 0x7f.1 127.000.000.001 127.0.0.2 0.0.0.0 0
      127.0.0.1.nip.io ①27.0.0.1 127。0。0。1
    `).map((address) => at(address + port)),
    'spellings of IPv6': words(`
      [0:0:0:0:0:0:0:1] [::1%25lo] [::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [0::1] ::1 [::] [::1 [::1].evil.example
      [::1]evil [::127.0.0.1]
    `).map((address) => at(address + port)),
    'homographs and punycode': [
      ...eachLetter(host, (letter) => lookAlikes[letter] ?? letter).map((one) => at(one + port)),
      ...eachLetter(path, (letter) => lookAlikes[letter] ?? letter).map((one) => on(one + query)),
      at(`xn--${name}-${port}`),
      at(`xn--pple-43d.example${port}`),
      at(`${name.normalize('NFKD')}\u0301${port}`),
      at(`${name}\u200b${port}`),
      at(`${name}\u00ad${port}`),
    ],
    'other hosts': [
      ...words(`
        evil.example ${name}.evil.example evil.${name} evil-${name} ${name}evil.example x${name}
      `),
      name.slice(1),
      '*',
      '',
      ...words(`
        localhost localhost. localhost.evil.example app.localhost ${name},evil.example ${name};evil.example
        ${name}%2eevil.example
      `),
    ].map((other) => at(other + port)),
    ports: [
      ...words(': :0 :00080 :65536 :99999 :123456 :-1 :+80 :8o :80:80 :80@evil.example'),
      ':8 0',
      ...words(`:%38%30 :８０ :0x50 :1e3 :443. :80# :80\\`),
    ].map((other) => at(host + other)),
    schemes: [
      ...words('https http HTTP javascript data file ftp ws view-source:http httpss blob:http intent'),
      '',
    ].flatMap((other) => [`${other}://${authority}${path}${query}`, `${other}:${authority}${path}${query}`]),
    'no scheme': [
      `//${authority}${path}${query}`,
      `${authority}${path}${query}`,
      `/${path}`,
      path,
      `:${uri}`,
      `${scheme}:${path}`,
    ],
    'script instead': [
      ...words(`
        javascript:alert(1) javascript://${authority}${path}%0aalert(1) data:text/html,<script>alert(1)</script>
        vbscript:x about:blank javascript:alert(1)//${uri}
      `),
      `${uri}"><svg onload=x>`,
      `${uri}'><svg onload=x>`,
    ],
    'trailing dots': [
      at(`${host}.${port}`),
      at(`${host}..${port}`),
      at(`.${host}${port}`),
      `${uri}.`,
      `${uri}..`,
      `${uri}/.`,
    ],
    'two at once': [
      `${uri} ${uri}`,
      `${uri},${uri}`,
      uri + uri,
      ...words(`${uri}|https://evil.example/ ${uri}\0${uri} ["${uri}"] <${uri}>`),
    ],
    'encoded as a whole': [
      encodeURIComponent(uri),
      encodeURIComponent(encodeURIComponent(uri)),
      `"${uri}"`,
      `'${uri}'`,
      encodeURI(`${uri}"`),
    ],
    'userinfo and an end': words(`user@ user:secret@ @ a@b@ ${authority}@ evil.example@ ${authority}%40`).flatMap(
      (user) =>
        [
          ...words('?a=b #a / /.. /%2e %00'),
          '\t',
          ...words(`\\ . ;x // %2f /..;/`),
          ' ',
          ...words('* @ /@evil.example ##'),
          '%0d%0aX: y',
        ].map((end) => at(user + authority) + end),
    ),
    'ports and an end': [':1', ':80', ':443', ':8443', ':65535'].flatMap((other) =>
      ['?a=b', '#a', '/', '/..', '%00', '\t', '\\', '.', ';x', '/..;/'].map((end) => at(host + other) + end),
    ),
    long: [uri + 'x'.repeat(8192), on(`/${'../'.repeat(2000)}${path}`), at(`${'a.'.repeat(4000)}${authority}`)],
  };
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, spellings]) => [kind, [...new Set(spellings)].filter((other) => other !== uri)]),
  );
};
