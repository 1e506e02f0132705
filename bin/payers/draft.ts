import { readFile } from 'node:fs/promises';
import { shownName } from '../../config/checks/names.ts';
import { fhirBaseUrl as fhirBaseUrlRule } from '../../config/checks/rules.ts';
import { isObject, parseObject } from '../../functions/shared/json/json-object.ts';
import type { Brand } from '../../functions/shared/registry/types.ts';
import { Refusal } from '../shared/errors.ts';

/** What an import knows about a payer; `learn` completes it. */
export interface Draft {
  readonly displayName: string;
  readonly fhirBaseUrl: string;
  /** Further addresses of the same payer: those that do not answer are dead. */
  readonly otherBases?: readonly string[] | undefined;
  readonly deadBases?: readonly string[] | undefined;
  readonly brand?: Brand | undefined;
}

/** A base without what is no difference: the scheme, a trailing slash. */
export const sameBase = (url: string): string => {
  const { host, pathname } = new URL(url);
  return `${host}${pathname.replace(/\/+$/, '')}`;
};

/** Reads a draft. @throws Refusal if the file is none */
export const readDraft = async (file: string): Promise<Draft> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Refusal(`${file} cannot be read (${error.code})`);
  });
  const draft = parseObject(text);
  const { displayName, fhirBaseUrl, brand } = draft ?? {};
  const isDraft =
    typeof displayName === 'string' &&
    shownName(displayName) === undefined &&
    typeof fhirBaseUrl === 'string' &&
    fhirBaseUrlRule(fhirBaseUrl) === undefined &&
    (brand === undefined || isObject(brand));
  if (!isDraft) throw new Refusal(`${file} is no draft of a payer; write one with: npm run payers -- import`);
  return draft as unknown as Draft;
};
