import { payerHttpFailure, type PayerClientDeps } from '../shared/payer/client.ts';
import { PayerError } from '../shared/payer/errors.ts';
import { isPatientId } from '../shared/payer/patient-id.ts';
import { requireText } from '../shared/payer/read-text.ts';
import { fhirMediaType } from '../shared/registry/profile.ts';
import type { Payer } from '../shared/registry/types.ts';

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
  const [id] = ids?.length === 1 ? ids : [];
  return isPatientId(id) ? id : undefined;
};

/**
 * Asks the payer whose record its fresh token opens. The answer counts only if exactly one patient matches and no page
 * follows.
 * @throws PayerError if the payer does not answer, or names none or several
 */
export const findPatient = async (
  { payerHttp }: PayerClientDeps,
  payer: Payer,
  accessToken: string,
): Promise<string> => {
  try {
    const response = await payerHttp(`${payer.fhirBaseUrl}/Patient`, {
      headers: { Accept: fhirMediaType(payer), Authorization: `Bearer ${accessToken}` },
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new PayerError('unavailable', `GET Patient answered ${response.status}`);
    }
    const id = onlyPatient(JSON.parse(await requireText(response, 2 * 1024 * 1024, 'GET Patient')) as SearchSet);
    if (id === undefined) throw new PayerError('nonsense', 'GET Patient named no single patient');
    return id;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof TypeError && !('cause' in error))) {
      throw new PayerError('nonsense', 'GET Patient answered without a Bundle');
    }
    throw payerHttpFailure(error, 'GET Patient');
  }
};
