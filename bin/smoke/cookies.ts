import { request as overHttp } from 'node:http';
import { connect } from 'node:http2';
import { request as overHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { authorizeUrl } from '../../functions/shared/registry/urls.ts';
import { Refusal } from '../shared/errors.ts';
import { rightAnswer, wrongAnswer, type AskedStage, type Question } from './question.ts';

/** A partner for which the gateway asks for consent: the form of the consent page shows which cookie was read. */
const askingPartner = ({ config: { partners }, payer }: AskedStage) =>
  partners.find(({ consent, payers }) => consent === 'gateway' && payers.includes(payer));

type Open = (url: URL, cookies: readonly string[]) => Promise<string>;

/** One `Cookie` header for each, as HTTP/1.1 clients other than browsers may send them. */
const overOne: Open = async (url, cookies) => {
  const send = url.protocol === 'https:' ? overHttps : overHttp;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // A flat list, since Node joins an object's values of this name.
  const headers = ['Host', url.host, ...cookies.flatMap((cookie) => ['Cookie', cookie])];
  send(url, { headers }, (response) => text(response).then(resolve, reject))
    .on('error', reject)
    .end();
  return promise;
};

/** One field for each, as browsers send them over HTTP/2 (RFC 9113 §8.2.3). */
const overTwo: Open = async (url, cookies) => {
  const session = connect(url.origin);
  try {
    const failed = Promise.withResolvers<never>();
    session.on('error', failed.reject);
    const stream = session.request({ ':path': url.pathname + url.search, cookie: [...cookies] });
    return await Promise.race([text(stream.end()), failed.promise]);
  } finally {
    session.close();
  }
};

const token = (letter: string): string => letter.repeat(43);
const cookie = (letter: string): string => `__Host-p2p-consent=${token(letter)}`;

/** Whether the consent page has read the cookie `A`. */
const readBy = async (open: Open, url: URL, cookies: readonly string[]): Promise<boolean> => {
  const page = await open(url, cookies);
  if (!page.includes('name="consent_token"')) throw new Refusal('the consent page was not shown');
  return page.includes(`value="${token('A')}"`);
};

/** API Gateway decides how several `Cookie` headers reach a function: joined with commas, the second would be lost. */
export const severalCookies: Question = {
  name: 'cookies',
  title: 'Each of several Cookie headers is read, and nothing inside one of them',
  missing: (asked) =>
    askingPartner(asked) === undefined
      ? 'a partner whose consent the gateway asks for, in the configuration'
      : undefined,
  ask: async (asked) => {
    const partner = askingPartner(asked);
    const url = new URL(authorizeUrl(asked.origin, asked.payer));
    url.search = new URLSearchParams({
      client_id: partner?.clientId ?? '',
      redirect_uri: partner?.redirectUris[0] ?? '',
      state: 'smoke',
      code_challenge: token('C'),
      code_challenge_method: 'S256',
    }).toString();
    const ways = url.protocol === 'https:' ? { 'HTTP/1.1': overOne, 'HTTP/2': overTwo } : { 'HTTP/1.1': overOne };
    for (const [way, open] of Object.entries(ways)) {
      if (await readBy(open, url, [`shared=1, ${cookie('A')}`]))
        return wrongAnswer(`a name inside a value was read over ${way}`);
      if (!(await readBy(open, url, ['shared=1', cookie('A')])))
        return wrongAnswer(`the second of two was lost over ${way}`);
    }
    return rightAnswer(`the second of two was read over ${Object.keys(ways).join(' and ')}`);
  },
};
