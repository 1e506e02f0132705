import type { StageConfig } from '../../config/stage.ts';
import { problemsWith } from '../shared/check-entry.ts';
import { UsageError } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { typeScript } from '../shared/typescript.ts';
import { discover } from './discover.ts';
import { entryText } from './entry.ts';
import { examine, type ExamineDeps } from './examine.ts';
import { makeKeyPair } from './key.ts';
import { propose } from './propose.ts';
import { originHint, registrationOf } from './registration.ts';
import { asJson, isAllWell, payerLines, summary, type Examined } from './report.ts';

/** What is common to the commands that look at payers. */
export interface CheckOptions {
  readonly config: StageConfig;
  /** The file that a person edits for the stage. */
  readonly file: string;
  /** The public origin, where it is known. */
  readonly origin: string | undefined;
  readonly json: boolean;
}

export const payersOf = ({ stage, payers }: StageConfig, id: string | undefined): StageConfig['payers'] => {
  if (id === undefined) return payers;
  const payer = payers.find((candidate) => candidate.id === id);
  if (payer !== undefined) return [payer];
  throw new UsageError(`Stage ${stage} has no payer "${id}"; it has: ${payers.map((known) => known.id).join(', ')}`);
};

/** How many payers are examined at once: a stage may have a thousand. */
const atOnce = 8;

/**
 * Examines the stage's payers, or the one with this id, a few at once, and writes them as they are known.
 * @returns 0 where all is well, 1 where there is something to do
 * @throws UsageError where there is no such payer
 */
export const checkPayers = async (
  deps: ExamineDeps,
  { out }: Output,
  { config, origin, json }: CheckOptions,
  id?: string,
): Promise<number> => {
  const payers = [...payersOf(config, id)];
  const examined: Examined[] = [];
  while (payers.length > 0) {
    const some = await Promise.all(
      payers.splice(0, atOnce).map(async (payer): Promise<Examined> => {
        const findings = await examine(deps, config.stage, payer);
        return { payer, findings, registration: registrationOf(origin, payer) };
      }),
    );
    examined.push(...some);
    if (!json) out(some.flatMap(payerLines).join('\n'));
  }
  if (json) out(asJson(config.stage, examined));
  else out([summary(examined), originHint(origin, config)].filter((line) => line !== undefined).join('\n'));
  return isAllWell(examined) ? 0 : 1;
};

/**
 * Finds out what a payer publishes at a URL, and writes the entry for its profile.
 * @throws UsageError, Refusal
 */
export const proposePayer = async (
  { http }: Pick<ExamineDeps, 'http'>,
  { out, note }: Output,
  { file, origin, json }: CheckOptions,
  url: string,
): Promise<number> => {
  const found = await discover(http, url);
  const { payer, asks } = propose(found);
  const registration = registrationOf(origin, payer);
  const toAsk = [
    ...asks,
    ...problemsWith({ stage: 'any', production: false, payers: [payer], partners: [] }, 'payers[0].'),
  ];
  if (json) {
    out(JSON.stringify({ payer, ask: toAsk, register: registration, sources: found.sources }, null, 2));
    return 0;
  }
  note(`Read from\n${found.sources.map((source) => `  ${source}`).join('\n')}\n`);
  note(`The entry for payers in ${file}:\n`);
  out(entryText(payer, found.smartConfiguration !== undefined));
  note(`\nAsk, or decide:\n${toAsk.map((ask) => `  ${ask}`).join('\n')}\n`);
  note(`The payer registers, with the id that you chose:\n  redirect URI  ${registration.redirectUri}`);
  if (registration.jwksUrl !== undefined) note(`  JWKS URL      ${registration.jwksUrl}`);
  return 0;
};

/** Makes a key pair: what the secret holds goes out, and the public half is a note. */
export const writeKeyPair = async ({ secret: write, note }: Output, options: { rsa: boolean }): Promise<number> => {
  const { secret, publicKey } = await makeKeyPair(options);
  note(`The public half, for publicKeys of the payer's entry:\n\n          ${typeScript(publicKey, 10)},\n`);
  note("What the payer's secret in Secrets Manager holds, shown once:\n");
  write(secret);
  return 0;
};
