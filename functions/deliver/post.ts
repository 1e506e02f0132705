import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { bareHost, isLoopback, isPublicAddress, namesThisMachine } from '../shared/http/private-address.ts';
import { guardedLookup, PrivateAddress, resolveByDns, type Resolve } from './guarded-lookup.ts';
import type { SignedRequest } from './sign.ts';

/** Posts a request to a partner's URL. Resolves with the status. @throws Error if no answer comes in time */
export type Post = (url: string, request: SignedRequest) => Promise<number>;

interface PostOptions {
  /** For stage `local`: allows a partner app on this machine, over plain http. */
  readonly allowLoopback: boolean;
  /** The time limit of a whole try, in milliseconds. @default 15 seconds */
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
  /** Certificates to trust besides the usual ones. */
  readonly ca?: string;
}

/** The most bytes of an answer that are read. The body is ignored, but a receiver may still be writing it. */
const mostAnswerBytes = 16_384;

/**
 * Posts to public addresses only, whatever DNS says, and follows no redirect. Each post has a connection of its own,
 * since a kept connection would go to an address that was checked long ago.
 */
export const createPost = ({ allowLoopback, timeoutMs = 15_000, resolve = resolveByDns, ca }: PostOptions): Post => {
  const isOwn = (address: string): boolean => allowLoopback && isLoopback(address);
  const isAllowed = (address: string): boolean => isPublicAddress(address) || isOwn(address);
  const [lookup, lookupOwn] = [isAllowed, isOwn].map((allowed) => guardedLookup(resolve, allowed));
  return async (input, { headers, body }) => {
    const url = new URL(input);
    const host = bareHost(url.hostname);
    // Node does not look up an IP address, so it is checked here.
    if (isIP(host) !== 0 && !isAllowed(host)) throw new PrivateAddress('not a public address');
    const isPlain = url.protocol === 'http:' && allowLoopback && namesThisMachine(input);
    if (url.protocol !== 'https:' && !isPlain) throw Object.assign(new Error('not https'), { code: 'EPLAIN' });
    const signal = AbortSignal.timeout(timeoutMs);
    return new Promise((answered, failed) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        agent: false,
        lookup: isPlain ? lookupOwn : lookup,
        signal,
        ...(ca === undefined ? {} : { ca }),
      });
      request.once('response', (answer) => {
        // From here on only the status counts, however the body ends.
        const end = (): void => answered(answer.statusCode ?? 0);
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > mostAnswerBytes) answer.destroy();
        });
        answer.on('error', end);
        answer.once('close', end);
        request.off('error', failed).on('error', end);
      });
      request.once('upgrade', (answer, socket) => {
        socket.destroy();
        answered(answer.statusCode ?? 0);
      });
      request.on('error', failed);
      request.end(body);
    });
  };
};

/** How a stage posts. Only the stage `local` may post to this machine. */
export const postOf = (stage: string): Post => createPost({ allowLoopback: stage === 'local' });
