import type { GroupConsent } from '../../shared/exchanges/group.ts';
import { isObject, type JsonObject } from '../../shared/json-object.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { objectOf } from './mistakes.ts';

/** A JSON value with its members in the order of RFC 8785, so that a partner can make the same text of the same Consent. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, canonical(value[name])]),
  );
};

/** What is kept of a checked Consent: which it was, and until when it holds. */
export const consentOf = (consent: JsonObject): GroupConsent => ({
  id: String(consent['id']),
  hash: sha256(JSON.stringify(canonical(consent))),
  endsAt: String(objectOf(objectOf(consent['provision'])['period'])['end']),
});
