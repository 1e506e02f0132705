/**
 * What the public record says about real payers: their endpoints, and how they differ from SMART App Launch. Each fact
 * has its source and date. Everything here is published by others and was not tried by this project, and published
 * endpoints go stale. So the catalog is for reading. A stage never imports it (lint and a test hold that): whoever adds
 * a payer asks the payer, and runs `npm run payers -- learn URL`.
 */
import type { Payer, PayerQuirks } from '../../functions/shared/registry/types.ts';

/** Where facts were read. */
export interface Source {
  readonly url: string;
  /** When the source was written, or read there if it does not say: `YYYY-MM-DD`. */
  readonly date: string;
}

/** The fields of a profile that a public source can know. An id at the payer, keys and reasons are not among them. */
type Fields = Required<
  Omit<Payer, 'id' | 'displayName' | 'clientId' | 'publicKeys' | 'secretOf' | 'patientNoneReason' | 'quirks'>
> & {
  readonly [Quirk in keyof PayerQuirks as `quirks.${Quirk}`]-?: PayerQuirks[Quirk];
};

/** A field of a profile, such as `tokenEndpoint` or `quirks.aud`. */
export type Field = keyof Fields;

/** A field's value, and who says so. */
export interface Fact {
  readonly field: Field;
  readonly value: unknown;
  readonly source: Source;
  /** What else the source says about it, such as further choices. */
  readonly note?: string;
}

/** What is known about one payer in one of its environments. */
export interface CatalogedPayer {
  readonly id: string;
  readonly displayName: string;
  readonly environment: 'production' | 'sandbox';
  readonly status: 'published, not tried';
  readonly facts: readonly Fact[];
  /** What a profile needs and no source says, and why it is not known. */
  readonly missing: readonly { readonly field: Field; readonly why: string }[];
  /** Facts that no field of a profile can hold. */
  readonly remarks: readonly { readonly text: string; readonly source: Source }[];
}

/** Facts from one source: `const docs = factsFrom({ url, date })`, then `docs('tokenEndpoint', 'https://…')`. */
export const factsFrom =
  (source: Source) =>
  <Name extends Field>(field: Name, value: Fields[Name], note?: string): Fact => ({
    field,
    value,
    source,
    ...(note === undefined ? {} : { note }),
  });
