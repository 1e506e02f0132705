import { pendingClientId } from '../../config/examples.ts';
import type { StageConfig } from '../../config/stage.ts';
import { everywhereSeconds } from '../../functions/shared/registry/everywhere.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { typeScript } from '../shared/typescript.ts';
import { makePartner, type NewPartner } from './new-partner.ts';
import { rotateSecret, type Rotated } from './rotate.ts';
import type { RandomBytes } from './secret.ts';

/** A stage, and the file that a person edits for it. */
export interface EditedStage {
  readonly config: StageConfig;
  readonly file: string;
  /** How a change of the file takes effect. */
  readonly apply: string;
}

/** @throws Refusal if a payer that the partner would read from has not given its client id yet */
const requireClientIds = ({ payers }: StageConfig, file: string, wanted: readonly string[]): void => {
  const pending = payers.filter(
    ({ id, clientId }) => clientId === pendingClientId && (wanted.length === 0 || wanted.includes(id)),
  );
  if (pending.length === 0) return;
  const lines = pending.map(
    ({ id }) =>
      `${file}: payer "${id}" has no client id yet (${pendingClientId}); write the one that the payer gave into its ` +
      'entry, or name other payers with --payer',
  );
  throw new Refusal(lines.join('\n'));
};

const onceOnly = 'The secret, shown only this once and stored nowhere:';

/** Makes a client: its secret goes to stdout, everything else to stderr. @throws UsageError, Refusal */
export const writeNewPartner = (
  randomBytes: RandomBytes,
  { note, secret: writeSecret }: Output,
  { config, file, apply }: EditedStage,
  partner: NewPartner,
): number => {
  requireClientIds(config, file, partner.payers);
  const { entry, secret } = makePartner(randomBytes, config, partner);
  note(`Client id: ${entry.clientId}\n`);
  note(`Paste into partners in ${file}, and ${apply}:\n\n      ${typeScript(entry, 6)},\n`);
  if (secret === undefined) {
    note(
      partner.isPublic
        ? 'A public client has no secret. An app in a browser also needs webOrigins (CORS).'
        : 'There is no secret: the partner signs with its own key.',
    );
    return 0;
  }
  note(onceOnly);
  writeSecret(secret, 'Do not paste the entry: nothing was changed. Run the command again.');
  return 0;
};

/** Both secrets work until the partner uses the new one. */
const stepsOfRotation = ({ partner, hash, secretHashes }: Rotated, { file, apply }: EditedStage): string[] => [
  `A second secret for ${partner.name} (${partner.clientId}). Next, in this order:`,
  '',
  `  1. Write both hashes into ${file}, and ${apply}. From then on both secrets work:`,
  '',
  `        secretHashes: ${typeScript(secretHashes, 8, 14)},`,
  '',
  '  2. Give the new secret to the partner.',
  '  3. Wait until the partner confirms that all its servers use it.',
  `  4. Remove the old hash, and ${apply}. From then on the old secret is refused:`,
  '',
  `        secretHashes: ${typeScript([hash], 8, 14)},`,
  '',
];

/** Others who have the old secret must be locked out at once, before the partner has had time to change it. */
const stepsAfterLeak = ({ partner, secretHashes }: Rotated, { file, apply }: EditedStage): string[] => [
  `A new secret for ${partner.name} (${partner.clientId}), to replace the one that leaked. Next, in this order:`,
  '',
  '  1. Give the new secret to the partner, if you can reach it now. Do not wait for it.',
  `  2. REMOVE every old hash from ${file} now: write only the new one, and ${apply}. Within`,
  `     ${everywhereSeconds} seconds the old secret is refused, and the partner cannot get tokens until it uses the new one:`,
  '',
  `        secretHashes: ${typeScript(secretHashes, 8, 14)},`,
  '',
  '  3. Find what was done with the old secret: docs/incidents.md, "A partner\'s secret has leaked".',
  '',
];

/** Makes a new secret for a partner: it goes to stdout, everything else to stderr. @throws Refusal */
export const writeRotated = (
  randomBytes: RandomBytes,
  { note, secret: writeSecret }: Output,
  stage: EditedStage,
  { nameOrId, leaked }: { readonly nameOrId: string; readonly leaked: boolean },
): number => {
  const rotated = rotateSecret(randomBytes, stage.config, nameOrId, leaked);
  const steps = leaked ? stepsAfterLeak(rotated, stage) : stepsOfRotation(rotated, stage);
  note([...steps, onceOnly].join('\n'));
  writeSecret(rotated.secret, 'Do not write its hash into the file: nothing was changed. Run the command again.');
  return 0;
};
