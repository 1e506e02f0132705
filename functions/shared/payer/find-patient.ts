import { fhirMediaType } from '../registry/profile.ts';
import type { Payer } from '../registry/types.ts';
import type { PayerClientDeps } from './client.ts';
import { PayerError } from './errors.ts';
import { getText } from './get-text.ts';
import { isReadablePatientId } from './patient-id.ts';
import { readSecretHeaders } from './secrets.ts';

interface SearchSet {
  readonly resourceType?: unknown;
  readonly total?: unknown;
  readonly link?: readonly { readonly relation?: unknown }[];
  readonly entry?: readonly {
    readonly resource?: { readonly resourceType?: unknown; readonly id?: unknown };
    readonly search?: { readonly mode?: unknown };
  }[];
}

const onlyPatient = (bundle: SearchSet): string | undefined => {
  if (bundle.resourceType !== 'Bundle' || bundle.link?.some(({ relation }) => relation === 'next')) return undefined;
  if (typeof bundle.total === 'number' && bundle.total > 1) return undefined;
  const ids = bundle.entry
    ?.filter(({ search }) => (search?.mode ?? 'match') === 'match')
    .map(({ resource }) => (resource?.resourceType === 'Patient' ? resource.id : undefined));
  const id = ids?.length === 1 ? ids[0] : undefined;
  return isReadablePatientId(id) ? id : undefined;
};

/**
 * Asks the payer whose record its fresh token opens. The answer counts only if exactly one patient matches and no page
 * follows.
 * @throws PayerError if the payer does not answer, or names none or several
 */
export const findPatient = async (deps: PayerClientDeps, payer: Payer, accessToken: string): Promise<string> => {
  const byPost = payer.quirks.searchMethod === 'POST';
  const text = await getText(deps, `${payer.fhirBaseUrl}/Patient${byPost ? '/_search' : ''}`, {
    asked: 'GET Patient',
    accept: fhirMediaType(payer),
    form: byPost ? '' : undefined,
    headers: await readSecretHeaders(deps, payer),
    accessToken,
    timeoutMs: 10_000,
    limitBytes: 2 * 1024 * 1024,
  });
  const id = patientIn(text);
  if (id === undefined) throw new PayerError('nonsense', 'GET Patient named no single patient');
  return id;
};

/** @throws PayerError if the text is not a Bundle */
const patientIn = (text: string): string | undefined => {
  // A 204: the search found nobody.
  if (text === '') return undefined;
  try {
    return onlyPatient(JSON.parse(text) as SearchSet);
  } catch {
    throw new PayerError('nonsense', 'GET Patient answered without a Bundle');
  }
};
