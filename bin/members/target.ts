import { namedPatient } from '../../functions/shared/payer/patient-id.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { payerBases } from '../../functions/shared/registry/urls.ts';
import type { Member } from '../../functions/shared/store/member-index.ts';
import { factsOf } from '../audit/event-facts.ts';
import { readCreated } from '../audit/find-events.ts';
import { payerPause } from '../payers/pause.ts';
import { Refusal, UsageError } from '../shared/errors.ts';
import { findNamed } from '../shared/find-named.ts';
import { itemsOf } from '../shared/registry-list.ts';
import { readFilled, readOne } from '../shared/registry-table.ts';
import type { MembersToolDeps } from './deps.ts';
import type { Asked } from './flags.ts';
import type { OpenStage } from './open-stage.ts';
import { readStored } from './stored-grants.ts';

/** A payer by its id; its entry is gone if the payer was removed. */
export interface NamedPayer {
  readonly id: string;
  readonly entry: Payer | undefined;
}

/** What a request is about: a member, or one grant. */
export interface Target {
  readonly payer: NamedPayer;
  /** Undefined if the grant knows no patient. */
  readonly member: Member | undefined;
  /** If the request is about this grant alone. */
  readonly grant: string | undefined;
}

const nameOf = (payer: NamedPayer): string => payer.entry?.displayName ?? payer.id;

const payerById = async ({ registry }: OpenStage, id: string): Promise<NamedPayer | undefined> => {
  const item = await readOne(registry, entryIds.payer(id));
  return item === undefined ? undefined : { id, entry: item.damaged ? undefined : (item.entry as Payer | undefined) };
};

/** Finds a payer by its id, also one that was removed, or by its name. @throws Refusal */
const requirePayer = async (stage: OpenStage, nameOrId: string): Promise<NamedPayer> => {
  const byId = await payerById(stage, nameOrId);
  if (byId !== undefined) return byId;
  const payers = itemsOf(payerPause, (await readFilled(stage.registry, stage.config.stage)).values());
  const { id, item } = findNamed(payers, nameOrId, { stage: stage.config.stage, kind: 'payer', idKind: 'payer id' });
  return { id, entry: item.damaged ? undefined : (item.entry as Payer) };
};

/**
 * Reads a patient's id as the gateway reads a payer's own: an id, `Patient/id`, or a URL below the payer's FHIR base. An
 * error does not repeat what was typed, which is about a member.
 * @throws UsageError
 */
const readPatient = ({ id, entry }: NamedPayer, typed: string): string => {
  const text = typed.trim();
  if (text === '') throw new UsageError('Give the patient id at the payer: --patient ID');
  const found = namedPatient(entry === undefined ? [] : payerBases(entry), text);
  if (found !== undefined) return found;
  throw new UsageError(
    /^https?:/i.test(text)
      ? `That URL is not a patient below the FHIR base of ${id}${entry === undefined ? '' : ` (${entry.fhirBaseUrl})`}. Write only ` +
          'what follows Patient/'
      : 'That is no patient id. Write it as the payer does, such as 1234 or Patient/1234: up to 128 letters, digits, and the ' +
          'characters . - _ ~ = : @ + and comma, without spaces',
  );
};

const askPatient = async (payer: NamedPayer, { ask, readText }: MembersToolDeps): Promise<string> =>
  ask === undefined ? readText() : ask(`The patient id of the member at ${nameOf(payer)}: `);

/** The payer and the patient of a grant, from the table or else from the audit. @throws Refusal if neither has it */
const memberOfGrant = async (
  stage: OpenStage,
  grantId: string,
): Promise<{ readonly payer: string; readonly patient?: string | undefined }> => {
  const stored = await readStored(stage.grants, grantId);
  if (stored !== undefined) return stored.grant;
  const created = await readCreated(await stage.bucket(), grantId);
  if (created === undefined) {
    throw new Refusal(`There is no grant ${grantId}, neither in ${stage.grants.name} nor in the audit.`);
  }
  return factsOf(created);
};

/**
 * Finds out what a request is about.
 * @throws UsageError, Refusal
 */
export const findTarget = async (stage: OpenStage, asked: Asked, deps: MembersToolDeps): Promise<Target> => {
  const { grant, memberOf = '' } = asked;
  if (asked.payer !== undefined) {
    const payer = await requirePayer(stage, asked.payer);
    const patient = readPatient(payer, asked.patient ?? (await askPatient(payer, deps)));
    return { payer, member: { payer: payer.id, patient }, grant: undefined };
  }
  const { payer: id, patient } = await memberOfGrant(stage, grant ?? memberOf);
  if (patient === undefined && grant === undefined) {
    throw new Refusal('That grant knows no patient, so nobody can tell which other grants are of the same member.');
  }
  const payer = (await payerById(stage, id)) ?? { id, entry: undefined };
  return { payer, member: patient === undefined ? undefined : { payer: id, patient }, grant };
};
