import type { Readable } from 'node:stream';
import { createLinkRewriter, type LinkRewriter } from '../shared/fhir/rewrite-links.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { streamAnswer } from '../shared/record/stream-answer.ts';
import { fhirBases } from '../shared/registry/fhir-bases.ts';
import { mostStreamedBytes, tooLarge } from './answer-limit.ts';
import type { FetchDeps } from './deps.ts';
import { jsonDocument, type JsonDocument } from './json-document.ts';
import type { PayerAnswer } from './payer-answer.ts';
import { pageLinks } from './seal-links.ts';

const nothing = async function* (): AsyncGenerator<Uint8Array> {};

/** Passes FHIR on with its links rewritten, and only with a complete end. */
const rewritten = async function* (
  body: AsyncIterable<Uint8Array>,
  rewriter: LinkRewriter,
  document: JsonDocument,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) yield* rewriter.push(chunk);
  document.end();
  yield* rewriter.end();
};

/** The counts of links; unsealed ones only if there are any. @param before how many unsealed ones the headers had */
const linksOf = (
  { foreignLinks, unsealedLinks }: LinkRewriter,
  before = 0,
): Pick<RequestRecord, 'foreignLinks' | 'unsealedLinks'> => ({
  foreignLinks,
  ...(unsealedLinks > 0 ? { unsealedLinks: unsealedLinks + before } : {}),
});

/** The payer's body as the partner gets it. */
export const streamBody = (deps: FetchDeps, answer: PayerAnswer, { rewrite }: { rewrite: boolean }): Readable => {
  const { mostBytes = mostStreamedBytes } = deps;
  const { response, payer, base, deadline, record, audit } = answer;
  const document = jsonDocument();
  const rewriter = rewrite
    ? createLinkRewriter({ from: fhirBases(payer), to: base, pages: pageLinks(deps, answer) }, document.watch)
    : undefined;
  const body = response.body ?? nothing();
  return streamAnswer(deps, {
    pieces: rewriter === undefined ? body : rewritten(body, rewriter, document),
    deadline,
    record,
    audit,
    blamed: { late: 'payer_timeout', broken: 'payer_error' },
    checkBytes: (bytes) => {
      if (bytes > mostBytes) throw tooLarge();
    },
    onEnd: () => {
      if (rewriter !== undefined) Object.assign(record, linksOf(rewriter, record.unsealedLinks));
    },
  });
};
