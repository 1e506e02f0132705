import { GatewayError } from '../errors.ts';
import { header, queryPairs, type ApiEvent } from '../http/api.ts';
import { readFormPairs } from '../http/form.ts';
import { chooseLanguage, type Language } from './language.ts';
import type { Operator, PageSettings } from './settings.ts';

/** The parameter that names a language, as OpenID Connect does. */
export const languageParameter = 'ui_locales';

/** Fields of our own forms. Switching the language must not decide anything, so it leaves them out. */
export const ownFields = { decision: 'decision', token: 'consent_token', shown: 'consent_shown' } as const;

/** Who a page speaks for, to whom, and what the browser asked for, so that another language can ask for it again. */
export interface PageView {
  readonly operator: Operator;
  readonly language: Language;
  /** Whether the page has this language only, so that there is no switch. @default false */
  readonly onlyLanguage?: boolean;
  readonly method: 'GET' | 'POST';
  /** The request's parameters, without the language and our own fields. */
  readonly pairs: readonly (readonly [string, string])[];
}

/** A form that cannot be read is an error of its own, whose page needs a view too. */
const formPairs = (event: ApiEvent): [string, string][] => {
  try {
    return readFormPairs(event);
  } catch (error) {
    if (error instanceof GatewayError) return [];
    throw error;
  }
};

/** What a page needs to know about the request that it answers. */
export const viewOf = ({ operator }: PageSettings, event: ApiEvent): PageView => {
  const method = event.httpMethod === 'POST' ? 'POST' : 'GET';
  const sent = method === 'POST' ? formPairs(event) : queryPairs(event);
  const uiLocales = sent.find(([name]) => name === languageParameter)?.[1];
  const left = new Set<string>([languageParameter, ...Object.values(ownFields)]);
  return {
    operator,
    language: chooseLanguage(uiLocales, header(event, 'accept-language')),
    method,
    pairs: sent.filter(([name]) => !left.has(name)),
  };
};
