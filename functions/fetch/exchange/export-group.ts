import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { notSupported } from '../../shared/fhir/refusals.ts';
import { queryPairs, type ApiResponse } from '../../shared/http/api.ts';
import { takePartnerTurn } from '../../shared/partner/rate-limit.ts';
import { facadeBase, payerBases } from '../../shared/registry/urls.ts';
import { preferencesOf } from '../kick-off/find-kick-off.ts';
import { kickOffTurns, requireAsync } from '../kick-off/kick-off-answers.ts';
import { readParametersBody } from '../kick-off/read-body.ts';
import { readKickOffParameters, type Asked } from '../kick-off/read-parameters.ts';
import type { Asking } from './asking.ts';
import { chooseMembers } from './choose-members.ts';
import { requireGroup } from './open-group.ts';
import { startExchange } from './start-exchange.ts';

/** The one export that the gateway asks for (pdex-171). */
const exportType = 'hl7.fhir.us.davinci-pdex#payertopayer';

/** @throws GatewayError 400 for another export of the Da Vinci Member Attribution guide */
const checkExportType = ([, value]: Parameter): void => {
  if (value !== exportType) throw notSupported(`exportType can be ${exportType}, which is also the default.`);
};

const readAsked = ({ event, payer }: Asking): Asked => {
  const preferences = preferencesOf(event);
  const pairs = [...queryPairs(event), ...(event.httpMethod === 'POST' ? readParametersBody(event) : [])];
  const isExportType = ([name]: Parameter): boolean => name === 'exportType';
  for (const pair of pairs.filter(isExportType)) checkExportType(pair);
  const asked = readKickOffParameters(
    pairs.filter((pair) => !isExportType(pair)),
    {
      inBody: true,
      lenient: preferences.has('handling=lenient'),
      searchParameters: payer.searchParameters ?? {},
      byPatient: false,
    },
  );
  if (asked.filters !== undefined && payer.exchange.typeFilter !== true) {
    throw notSupported(
      'This health plan does not support _typeFilter. Leave it out, and filter by date of service what comes.',
    );
  }
  return asked;
};

const urlOf = ({ deps, payer }: Asking, id: string): string =>
  `${facadeBase(deps.origin, payer.id)}/Group/${id}/$davinci-data-export`;

/**
 * Starts the export of a Group of matched members.
 * https://hl7.org/fhir/us/davinci-pdex/payertopayerbulkexchange.html#davinci-data-export-operation
 * @throws GatewayError
 */
export const exportGroup = async (asking: Asking, id: string): Promise<ApiResponse> => {
  const { deps, event, context, partner, payer } = asking;
  context.record.interaction = 'export Group';
  requireAsync(preferencesOf(event), 'the export of a Group');
  await takePartnerTurn(deps, partner, context, kickOffTurns);
  const { types, since, until, filters, patients, ignored } = readAsked(asking);
  const { head, body } = await requireGroup(asking, id);
  if (head.code !== 'match') throw notSupported('Only a Group of matched members can be exported.');
  const own = payer.exchange.fhirBaseUrl;
  const chosen = chooseMembers(body, {
    named: patients,
    bases: [facadeBase(deps.origin, payer.id), ...payerBases(payer), ...(own === undefined ? [] : [own])],
    entries: head.members,
    isMixed: head.isMixed,
    ended: head.ended,
    nowMs: deps.clock.now(),
  });
  const url = urlOf(asking, id);
  const query = new URLSearchParams(queryPairs(asking.event)).toString();
  return startExchange(asking, {
    input: {
      kind: 'group',
      group: id,
      ...chosen,
      asked: {
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
        ...(types === undefined ? {} : { types }),
        ...(filters === undefined ? {} : { typeFilters: filters }),
      },
      request: query === '' ? url : `${url}?${query}`,
      ...(ignored.length === 0 ? {} : { ignored }),
    },
    about: id,
    url,
  });
};
