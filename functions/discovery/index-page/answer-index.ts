import type { Deps } from '../../shared/deps.ts';
import { header, type ApiEvent, type ApiResponse } from '../../shared/http/api.ts';
import { json } from '../../shared/http/respond.ts';
import type { PageDeps } from '../../shared/pages/settings.ts';
import { indexPage } from './page.ts';

/** How much a client wants a media type (RFC 9110 §12.5.1). The most specific range decides. */
const qualityOf = (ranges: ReadonlyMap<string, number>, type: string): number =>
  ranges.get(type) ?? ranges.get(`${type.split('/')[0]}/*`) ?? ranges.get('*/*') ?? 0;

const readRange = (range: string): [string, number] => {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
  return [type, Number.isNaN(quality) ? 0 : quality];
};

/** Longer headers are not read further: browsers send a handful of ranges. */
const mostRanges = 50;

/** Whether a client gets JSON: the page is for browsers, which name HTML. One that names both alike gets the page. */
export const prefersJson = (accept: string | undefined): boolean => {
  const ranges = new Map((accept ?? '*/*').split(',', mostRanges).map(readRange));
  const page = ranges.get('text/html') ?? ranges.get('text/*') ?? 0;
  return page === 0 || qualityOf(ranges, 'application/json') > page;
};

/** What a program finds at `GET /`: where everything else begins. */
const indexDocument = (origin: string, name: string) => ({
  name,
  smart_configuration: `${origin}/r4/{payer}/.well-known/smart-configuration`,
  fhir_base: `${origin}/r4/{payer}`,
  brands: `${origin}/brands`,
  connect: `${origin}/connect`,
  token_endpoint: `${origin}/oauth2/token`,
  documentation: 'docs/partners/README.md',
});

/** Answers `GET /`: a page for developers where the stage has one, and else, or for a program, a small index. */
export const answerIndex =
  (deps: Deps & PageDeps) =>
  async (event: ApiEvent): Promise<ApiResponse> => {
    const { operator, indexPage: settings } = deps.pages;
    const vary = { Vary: 'Accept' };
    if (settings === undefined || prefersJson(header(event, 'accept'))) {
      return json(200, indexDocument(deps.origin, operator.name), { ...vary, 'Cache-Control': 'public, max-age=300' });
    }
    const answer = indexPage(deps, event, settings);
    return { ...answer, headers: { ...answer.headers, ...vary } };
  };
