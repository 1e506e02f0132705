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

/** Options of the commands that check payers. */
export interface CheckOptions {
  readonly config: StageConfig;
  /** The file that a person edits for the stage. */
  readonly file: string;
  /** The public origin, if it is known. */
  readonly origin: string | undefined;
  readonly json: boolean;
}

export const payersOf = ({ stage, payers }: StageConfig, id: string | undefined): StageConfig['payers'] => {
  if (id === undefined) return payers;
  const payer = payers.find((candidate) => candidate.id === id);
  if (payer !== undefined) return [payer];
  throw new UsageError(`Stage ${stage} has no payer "${id}"; it has: ${payers.map((known) => known.id).join(', ')}`);
};

/** How many payers are examined in parallel: a stage may have hundreds. */
const atOnce = 8;

/**
 * Examines the stage's payers, or the one with this id, a few in parallel, and prints results as they arrive.
 * @returns 0 if all is well, 1 if there is something to do
 * @throws UsageError if there is no such payer
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
 * Reads what a payer publishes at a URL, and prints the entry for its profile.
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
  note(`\nTo ask the payer, or to decide:\n${toAsk.map((ask) => `  ${ask}`).join('\n')}\n`);
  note(`For the payer to register, with the id that you chose:\n  redirect URI  ${registration.redirectUri}`);
  if (registration.jwksUrl !== undefined) note(`  JWKS URL      ${registration.jwksUrl}`);
  return 0;
};

/** Makes a key pair: the value for the secret goes to stdout, the public half to stderr. */
export const writeKeyPair = async ({ secret: write, note }: Output, options: { rsa: boolean }): Promise<number> => {
  const { secret, publicKey } = await makeKeyPair(options);
  note(`The public half, for publicKeys of the payer's entry:\n\n          ${typeScript(publicKey, 10)},\n`);
  note("The value for the payer's secret in Secrets Manager, shown only this once:\n");
  write(secret);
  return 0;
};
