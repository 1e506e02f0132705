import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { peekForm } from '../http.ts';
import type { Asked, Fault, FaultyPayer } from './fault.ts';

export type Handler = (req: IncomingMessage, res: ServerResponse, url: URL) => Promise<void> | void;

interface Setup {
  readonly origin: string;
  readonly paths: { readonly token: string; readonly authorize: string };
  readonly pauseMs?: FaultyPayer['pauseMs'] | undefined;
}

/**
 * Applies the faults that are switched on to a payer's requests. Each may answer instead of the payer. If none
 * does, each may change the payer's answer.
 */
export const misbehaving = (handler: Handler, switchedOn: () => readonly Fault[], setup: Setup): Handler => {
  const { origin, paths, pauseMs = { slow: 5000, drip: 200 } } = setup;
  const payer: FaultyPayer = { origin, pauseMs, firstPageTokens: new Set(), issuedAtMs: new Map(), requests: 0 };
  return async (req, res, url) => {
    if (switchedOn().length === 0) return handler(req, res, url);
    const asked = await describeRequest(req, url, paths);
    const acting = switchedOn().filter(({ when }) => when(asked));
    for (const { before } of acting) if ((await before?.(asked, res, payer)) === true) return;
    for (const fault of acting) changeAnswer(res, fault, payer);
    return handler(req, res, url);
  };
};

const describeRequest = async (
  req: IncomingMessage,
  url: URL,
  { token, authorize }: Setup['paths'],
): Promise<Asked> => {
  const { pathname } = url;
  const isToken = pathname === token;
  const isFhir = pathname.startsWith('/r4/') && !/^\/r4\/(?:metadata$|\.well-known\/)/.test(pathname);
  const isReturn = pathname.startsWith(`${authorize}/`);
  return {
    endpoint: isToken ? 'token' : isFhir ? 'fhir' : isReturn ? 'return' : 'other',
    url,
    grantType: isToken ? (await peekForm(req)).get('grant_type') : null,
    token: /^bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? '',
  };
};

/** Lets a fault change the answer that the payer is about to send through `res`. */
const changeAnswer = (res: ServerResponse, { edit, redirect, pieceBytes }: Fault, payer: FaultyPayer): void => {
  if (edit === undefined && redirect === undefined && pieceBytes === undefined) return;
  const writeHead = res.writeHead.bind(res);
  const write = res.write.bind(res);
  const end = res.end.bind(res);
  let sent: Promise<unknown> = Promise.resolve();

  const change = (chunk: string | Buffer): Buffer => {
    const isText = /json|text/.test(String(res.getHeader('content-type')));
    return Buffer.from(isText && edit !== undefined ? edit(String(chunk), payer) : chunk);
  };
  const writePieces = async (chunk: Buffer): Promise<void> => {
    const size = pieceBytes ?? Math.max(1, chunk.length);
    for (let at = 0; at < chunk.length && !res.destroyed; at += size) {
      if (pieceBytes !== undefined) await sleep(payer.pauseMs.drip);
      if (!res.destroyed) write(chunk.subarray(at, at + size));
    }
  };
  const send = (chunk: string | Buffer): void => {
    const changed = change(chunk);
    sent = sent.then(() => writePieces(changed));
  };

  Object.assign(res, {
    writeHead(status: number, headers: OutgoingHttpHeaders = {}) {
      for (const [name, value] of Object.entries(headers)) if (value !== undefined) res.setHeader(name, value);
      // The length is no longer known.
      res.removeHeader('content-length');
      const location = URL.parse(String(res.getHeader('location')));
      if (redirect !== undefined && location !== null) {
        redirect(location);
        res.setHeader('location', location.href);
      }
      return writeHead(status);
    },
    write(chunk: string | Buffer) {
      send(chunk);
      return true;
    },
    end(chunk?: string | Buffer) {
      if (chunk !== undefined) send(chunk);
      void sent.then(() => res.destroyed || end());
      return res;
    },
  });
};
