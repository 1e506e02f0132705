/**
 * The URLs in a configuration: where each is, and who requests it, if anyone does. Both come from the marks of the schemas, so that
 * a new field cannot be forgotten here.
 */
import * as z from 'zod';
import type { Payer } from '../../functions/shared/registry/types.ts';
import type { StageConfig } from '../stage.ts';
import { deployment } from './deployment-schema.ts';
import { requestedFields, valuesAt, type Requester } from './fields.ts';
import { identityProvider } from './identity-provider.ts';
import { partner } from './partner-schema.ts';
import { payerFields } from './payer-fields.ts';

/** A URL, the path of its field, and who requests it. */
export interface UrlField {
  readonly path: readonly PropertyKey[];
  readonly url: string;
  readonly by: Requester;
}

/** Not of the web are an e-mail address for help, the path of a runbook, and the private-use scheme of a native app. */
const isOfWeb = (url: unknown): url is string => typeof url === 'string' && /^https?:/i.test(url);

const urlsBy = (schema: z.core.$ZodType) => {
  const fields = requestedFields(schema);
  return (entry: object): readonly UrlField[] =>
    fields.flatMap(({ path: at, mark: by }) =>
      valuesAt(entry, at).flatMap(({ path, value }): readonly UrlField[] =>
        isOfWeb(value) ? [{ path, url: value, by }] : [],
      ),
    );
};

const payer = z.strictObject(payerFields);

/** All URLs of a stage, with their paths from its root. */
export const stageUrls: (config: Partial<StageConfig>) => readonly UrlField[] = urlsBy(
  z.strictObject({
    ...deployment,
    identityProviders: z.array(identityProvider).optional(),
    payers: z.array(payer),
    partners: z.array(partner),
  }),
);

const payerUrls = urlsBy(payer);

/** Whether functions request a URL. */
export const isCalled = ({ by }: UrlField): boolean => by === 'functions' || by === 'both';

/** The URLs of a payer that functions request, with their paths from the payer's entry. */
export const calledUrls = (entry: Payer): readonly UrlField[] => payerUrls(entry).filter(isCalled);
