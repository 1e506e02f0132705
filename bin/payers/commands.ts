import { visibleLine } from '../../config/checks/visible.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { problemsWith } from '../shared/check-entry.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { slug } from '../shared/slug.ts';
import { typeScript } from '../shared/typescript.ts';
import { discover, type Discovered } from './discover.ts';
import type { Draft } from './draft.ts';
import { checkAuthorize, checkRevoke, checkToken } from './endpoints.ts';
import { entryText } from './entry.ts';
import type { ExamineDeps } from './examine.ts';
import type { Finding } from './finding.ts';
import { makeKeyPair } from './key.ts';
import type { Line } from './line.ts';
import { propose, type Proposed } from './propose.ts';
import { unknownHost } from './published.ts';
import { registrationOf } from './registration.ts';

/** Options of `learn`. */
export interface LearnOptions {
  /** The file that a person edits for the stage. */
  readonly file: string;
  /** The public origin, if it is known. */
  readonly origin: string | undefined;
  /** A second FHIR base of the same sign-in. @default none */
  readonly further?: string | undefined;
  readonly json: boolean;
  /** What an import knows. @default nothing */
  readonly draft?: Draft | undefined;
}

/** A proposal with what a draft knows better than the payer's documents. */
const withDraft = (proposed: Proposed, draft: Draft | undefined): Proposed => {
  if (draft === undefined) return proposed;
  const { displayName, brand, otherBases = [] } = draft;
  const id = slug(displayName) || proposed.payer.id;
  const line: Line = { basis: 'read', why: 'the imported bundle; members see it' };
  const lines = new Map([...proposed.lines, ['displayName', line], ...(brand ? [['brand', line] as const] : [])]);
  const bases = otherBases.map(
    (base) => `fhirBaseUrl: is ${base} another payer, an older address, or a second base (--further)?`,
  );
  const payer = { ...proposed.payer, id, displayName, ...(brand === undefined ? {} : { brand }) };
  return { payer, lines, asks: [...bases, ...proposed.asks] };
};

/** A proposal with a second base and the types that its statement lists: who has them, only the payer knows. */
const withFurther = (proposed: Proposed, { statement }: Discovered, second: Discovered): Proposed => {
  const { fhirBaseUrl, statement: theirs } = second;
  const types = (theirs?.patientTypes ?? []).filter((type) => type !== 'Patient');
  if (fhirBaseUrl === undefined || types.length === 0) {
    throw new Refusal(
      `The metadata of ${second.given} lists no types that are searched by patient; write furtherBases by hand (docs/payers.md)`,
    );
  }
  const both = types.filter((type) => statement?.patientTypes.includes(type) === true);
  const why =
    both.length === 0
      ? `${fhirBaseUrl}/metadata lists them; are others there, such as those that they refer to?`
      : `${fhirBaseUrl}/metadata lists them; fhirBaseUrl lists ${both.join(', ')} too, and its own are not read of a type that is here: where is each?`;
  const { wholeRecord: { substitute: _one, ...wholeRecord } = {}, ...payer } = proposed.payer;
  const lines = new Map<string, Line>([
    ...proposed.lines,
    ['furtherBases', { basis: 'ask', why }],
    ['everything', { basis: 'guess', why: '$everything would bring only what is at one base' }],
  ]);
  return {
    payer: {
      ...payer,
      ...(Object.keys(wholeRecord).length > 0 && { wholeRecord }),
      furtherBases: [{ fhirBaseUrl, types }],
      everything: false,
    },
    lines,
    asks: [`furtherBases: ${why}`, ...proposed.asks],
  };
};

const mark = ({ text, todo }: Finding): string => (todo === undefined ? `  ✓ ${text}` : `  ✗ ${text}\n    → ${todo}`);

/** What can be tried without a member: whether the proposed endpoints answer as such. */
const tryEndpoints = (deps: Pick<ExamineDeps, 'http'>, payer: Payer): Promise<Finding[]> => {
  const isKnown = (url: string | undefined): boolean => url?.startsWith(unknownHost) === false;
  return Promise.all([
    ...(isKnown(payer.authorizationEndpoint) ? [checkAuthorize(deps, payer)] : []),
    ...(isKnown(payer.tokenEndpoint) ? [checkToken(deps, payer)] : []),
    ...(isKnown(payer.revocationEndpoint) ? [checkRevoke(deps, payer)] : []),
  ]);
};

const listed = (title: string, lines: readonly string[]): string => `${title}\n${lines.join('\n')}\n`;

/**
 * Reads what a payer publishes at a URL, tries its endpoints without a member, and prints the entry for its profile: on
 * stdout what to paste, with a comment above each field; on stderr what was read, tried, and has to be asked.
 * @throws UsageError, Refusal
 */
export const learnPayer = async (
  deps: Pick<ExamineDeps, 'http'>,
  { out, note }: Output,
  { file, origin, further, json, draft }: LearnOptions,
  url: string,
): Promise<number> => {
  const found = await discover(deps.http, url);
  const second = further === undefined ? undefined : await discover(deps.http, further);
  const proposed = second === undefined ? propose(found) : withFurther(propose(found), found, second);
  const { payer, lines, asks } = withDraft(proposed, draft);
  const sources = [...found.sources, ...(second?.sources ?? [])];
  const tried = await tryEndpoints(deps, payer);
  const registration = registrationOf(origin, payer);
  const toAsk = [
    ...asks,
    ...problemsWith({ stage: 'any', production: false, payers: [payer], partners: [] }, 'payers[0].'),
  ].map(visibleLine);
  if (json) {
    const unread = found.unread.map(({ text }) => text);
    const fields = Object.fromEntries(lines);
    out(JSON.stringify({ payer, lines: fields, ask: toAsk, tried, register: registration, sources, unread }, null, 2));
    return 0;
  }
  note(
    listed(
      'Read from',
      sources.map((source) => `  ${source}`),
    ),
  );
  if (found.unread.length > 0) note(listed('Not read', found.unread.map(mark)));
  if (tried.length > 0) note(listed('Tried, without a member and without a credential', tried.map(mark)));
  note(`The entry for payers in ${file}:\n`);
  out(entryText(payer, found.smartConfiguration !== undefined, lines));
  note(
    `\n${listed(
      'To ask the payer, or to decide:',
      toAsk.map((line) => `  ${line}`),
    )}`,
  );
  note(`For the payer to register, with the id that you chose:\n  redirect URI  ${registration.redirectUri}`);
  if (registration.jwksUrl !== undefined) note(`  JWKS URL      ${registration.jwksUrl}`);
  return 0;
};

/** Makes a key pair: the value for the secret goes to stdout, the public half to stderr. */
export const writeKeyPair = async ({ secret: write, note }: Output, options: { rsa: boolean }): Promise<number> => {
  const { secret, publicKey } = await makeKeyPair(options);
  note(`The public half, for publicKeys of the payer's entry:\n\n          ${typeScript(publicKey, 10)},\n`);
  note("The value for the payer's secret in Secrets Manager, shown only this once:\n");
  write(secret, 'Nothing uses this pair yet: run the command again.');
  return 0;
};
