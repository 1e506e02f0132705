import { GatewayError, type Mistake } from '../../shared/errors.ts';
import type { MatchMember } from '../../shared/exchanges/input.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { malformed } from '../../shared/fhir/refusals.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { checkBundle, type CheckedBundle } from './check-bundle.ts';
import type { Plans } from './check-consent.ts';
import { checkShape } from './check-shape.ts';

const mostMembers = 1000;

/** In characters of JSON. */
const longestMeta = 5000;

/** The most mistakes that are named of one MemberBundle, and of all: each that fails has at least one. */
const mostOfOne = 20;
const mostMistakes = 1000;

const allowed = ['resourceType', 'id', 'meta', 'language', 'parameter'];
const allowedOfMeta = ['versionId', 'lastUpdated', 'source', 'profile'];

/** What Parameters say of themselves, by R4's forms. */
const isPlain = ({ id, meta, language }: JsonObject): boolean =>
  (id === undefined || isFhirId(id)) &&
  (language === undefined || (typeof language === 'string' && /^[A-Za-z0-9-]{1,35}$/.test(language))) &&
  (meta === undefined ||
    (isObject(meta) &&
      Object.keys(meta).length > 0 &&
      Object.keys(meta).every((name) => allowedOfMeta.includes(name)) &&
      JSON.stringify(meta).length <= longestMeta &&
      checkShape(meta, 'Meta', 'Parameters.meta', { contained: new Map(), plans: [] }).length === 0));

const placeOf = (index: number): string => `Parameters.parameter[${index}]`;

/** The MemberBundles of a Parameters resource. @throws GatewayError 400, 413 */
const bundlesOf = (parameters: JsonObject): readonly unknown[] => {
  const { parameter } = parameters;
  if (!Array.isArray(parameter) || parameter.length === 0) {
    throw malformed('Parameters needs a parameter MemberBundle for each member.');
  }
  if (!Object.keys(parameters).every((name) => allowed.includes(name))) {
    throw malformed(`Parameters can have ${allowed.join(', ')}, and nothing else.`);
  }
  if (!isPlain(parameters)) {
    throw malformed(
      `id, meta and language of Parameters must be as FHIR R4 has them; meta can have ${allowedOfMeta.join(', ')}.`,
    );
  }
  if (parameter.length > mostMembers) {
    throw new GatewayError(
      'invalid_request',
      `Parameters has more than ${mostMembers} members. Send them in several requests.`,
      { status: 413 },
    );
  }
  return parameter;
};

/** Two members under one id could not be told apart in the answer. */
const checkDifferent = (checked: readonly CheckedBundle[]): readonly Mistake[][] => {
  const indexes = Map.groupBy(checked.keys(), (index) => checked[index]?.patient);
  return checked.map(({ patient }, index) => {
    const [first, second] = patient === undefined ? [] : (indexes.get(patient) ?? []);
    const other = first === index ? second : first;
    if (other === undefined) return [];
    const message = `MemberPatient has the same id as that of ${placeOf(other)}. Give each member an id of its own, and send a second coverage of a member in a request of its own.`;
    return [{ code: 'duplicate', expression: placeOf(index), message }];
  });
};

const refused = (failing: readonly (readonly Mistake[])[], all: number): GatewayError => {
  const most = Math.min(mostOfOne, Math.max(1, Math.floor(mostMistakes / failing.length)));
  const are = failing.some(({ length }) => length > most) ? `at most ${most} of each member` : 'all of them';
  return new GatewayError(
    'invalid_request',
    `${failing.length} of ${all} members cannot be asked for, so nothing was sent to the health plan. Each issue names one reason; they are ${are}.`,
    {
      mistakes: failing.flatMap((mistakes) => mistakes.slice(0, most)),
      detail: `${failing.length} of ${all} members failed the checks`,
    },
  );
};

/**
 * Checks everything that a match asks: if one member may not be asked for, none is.
 * @throws GatewayError that names every failing MemberBundle by its index, and repeats nothing of it
 */
export const checkMatch = (parameters: JsonObject, plans: Plans, nowMs: number): readonly MatchMember[] => {
  const bundles = bundlesOf(parameters);
  const checked = bundles.map((bundle, index) => checkBundle(bundle, placeOf(index), plans, nowMs));
  const different = checkDifferent(checked);
  const failing = checked
    .map(({ mistakes }, index) => [...mistakes, ...(different[index] ?? [])])
    .filter((mistakes) => mistakes.length > 0);
  if (failing.length > 0) throw refused(failing, bundles.length);
  return checked.flatMap(({ member }) => (member === undefined ? [] : [member]));
};
