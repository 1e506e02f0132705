import type { Deps } from '../../shared/deps.ts';
import { GatewayError } from '../../shared/errors.ts';
import {
  parameters,
  queryPairs,
  type ApiEvent,
  type ApiResponse,
  type RequestParameters,
} from '../../shared/http/api.ts';
import { redirect } from '../../shared/pages/browser-headers.ts';
import type { PageDeps } from '../../shared/pages/settings.ts';
import { viewOf } from '../../shared/pages/view.ts';
import { checkAuthorizeRequest } from '../../shared/partner/check-authorize-request.ts';
import { checkApp, checkClient } from '../../shared/partner/check-client.ts';
import { latestEnd } from '../../shared/partner/latest-end.ts';
import { returnError } from '../../shared/partner/redirect-uri.ts';
import { answerError } from '../../shared/record/answer-errors.ts';
import type { RequestRecord } from '../../shared/record/request-record.ts';
import { mayReadFrom } from '../../shared/registry/profile.ts';
import { isPayerPaused } from '../../shared/registry/require-payer.ts';
import { authorizeUrl } from '../../shared/registry/urls.ts';
import { carriedOf, own, requestFor } from './authorize-query.ts';
import { longestSearch, type FindPayers } from './find-payers.ts';
import { searchPage } from './search-page.ts';
import { pausedPage, stepPage } from './step-page.ts';

type ConnectDeps = Pick<Deps, 'registry' | 'origin' | 'clock'> & PageDeps;

const withQuery = (url: string, pairs: Iterable<readonly [string, string]>): string =>
  `${url}?${new URLSearchParams([...pairs].map(([name, value]) => [name, value]))}`;

/**
 * Answers `GET /connect`, which takes an authorize request without its payer: the search, and once a payer is chosen
 * what will be shared there.
 */
export const answerConnect = (deps: ConnectDeps, findPayers: FindPayers) => {
  const { registry, origin, pages } = deps;
  const url = `${origin}/connect`;

  const search = async (event: ApiEvent, request: RequestParameters, record: RequestRecord): Promise<ApiResponse> => {
    const named = await registry.partner(request.values.get('client_id') ?? '', { evenIfBlocked: true });
    const app = await checkApp(registry, named, request, record);
    const typed = request.values.get(own.typed) ?? '';
    const view = viewOf(pages, event);
    if (typed.length > longestSearch) {
      record.detail = `a search of ${typed.length} characters`;
      // Not repeated in the link to the other language.
      const pairs = view.pairs.filter(([name]) => name !== own.typed);
      return searchPage({ ...view, pairs }, { app, url, carried: carriedOf(request), typed, found: undefined });
    }
    const found = await findPayers(app.partner, typed);
    return searchPage(view, { app, url, carried: carriedOf(request), typed, found });
  };

  const choose = async (
    event: ApiEvent,
    payerId: string,
    request: RequestParameters,
    record: RequestRecord,
  ): Promise<ApiResponse> => {
    const client = await checkClient(deps, payerId, request, record);
    const { payer, partner, returnTo } = client;
    if (!mayReadFrom(partner, payer.id)) {
      throw new GatewayError('invalid_request', 'There is no such health plan here.', {
        detail: 'the partner may not read from this payer',
        page: 'unknownPlan',
      });
    }
    const searchUrl = withQuery(url, carriedOf(request));
    if (await isPayerPaused(registry, payer.id)) {
      Object.assign(record, { stopped: true, detail: 'the payer is paused' });
      return pausedPage(viewOf(pages, event), payer, searchUrl);
    }
    const asked = requestFor(origin, payer.id, request);
    const next = withQuery(authorizeUrl(origin, payer.id), asked.values);
    // Where the gateway asks for consent, its page is the next step, and has the same words.
    if (partner.consent === 'gateway') return redirect(next);
    try {
      const { scope, refreshable } = checkAuthorizeRequest(client, asked);
      const endsAt = latestEnd(deps, payer, refreshable);
      return stepPage(viewOf(pages, event), { partner, payer, scope, endsAt, authorizeUrl: next, searchUrl });
    } catch (error) {
      return answerError(record, error, (known, reference) => returnError(returnTo, known, reference));
    }
  };

  return async (event: ApiEvent, record: RequestRecord): Promise<ApiResponse> => {
    const request = parameters(queryPairs(event));
    const payerId = request.values.get(own.payer);
    return payerId === undefined ? search(event, request, record) : choose(event, payerId, request, record);
  };
};
