import { headerText, type ApiEvent } from '../../shared/http/api.ts';
import { decodedSegmentsOf } from '../redirect-to-discovery.ts';

/** What a caller prefers (RFC 7240 §2), in lower case: `respond-async`, `handling=lenient`. */
export const preferencesOf = (event: ApiEvent): ReadonlySet<string> =>
  new Set(
    headerText(event, 'prefer')
      .split(/[,;]/)
      .map((text) => text.replaceAll(/[\s"]/g, '').toLowerCase()),
  );

/** A request that starts an export: its operation, and the patient in the path. */
export interface KickOff {
  readonly operation: '$export' | '$everything';
  readonly patient?: string;
}

/**
 * How a request starts an export: by `Patient/$export`, or by `Patient/{id}/$everything` with `respond-async`.
 * Undefined if it starts none. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request
 */
export const findKickOff = (event: ApiEvent): KickOff | undefined => {
  const [type, second, third, ...more] = decodedSegmentsOf(event);
  if (type !== 'Patient' || second === undefined || more.length > 0) return undefined;
  if (second === '$export' && third === undefined) return { operation: '$export' };
  const isLater = event.httpMethod === 'GET' && preferencesOf(event).has('respond-async');
  return third === '$everything' && isLater ? { operation: '$everything', patient: second } : undefined;
};
