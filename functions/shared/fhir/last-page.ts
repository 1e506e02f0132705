/** What a parameter's value means: the first page, whether it is there or not, or how large a page is. */
const isFirstPage = (name: string, value: string): boolean =>
  /count|size|limit|format|pretty/i.test(name) ||
  (/page|offset|skip|start|from|index/i.test(name) && /^0?$/.test(value));

/** Whether two URLs lead to the same page of a search, by whatever host. A parameter that means the first page may be left out. */
const isSamePage = (one: URL, other: URL): boolean => {
  const isIn = (all: URL, [name, value]: readonly [string, string]): boolean =>
    all.searchParams.has(name) ? all.searchParams.getAll(name).includes(value) : isFirstPage(name, value);
  return (
    one.pathname.replace(/\/(?:_search)?$/, '') === other.pathname.replace(/\/(?:_search)?$/, '') &&
    [...one.searchParams].every((parameter) => isIn(other, parameter)) &&
    [...other.searchParams].every((parameter) => isIn(one, parameter))
  );
};

/** The links of a page that say where in a search it is. */
export interface Places {
  readonly self?: string | undefined;
  readonly first?: string | undefined;
  readonly last?: string | undefined;
}

/**
 * Whether no page follows one without a next link: it is the page that the payer calls the last, or the only one, since the first is the last
 * (https://hl7.org/fhir/R4/http.html#paging). A payer that names no last page, or not by a URL, says nothing.
 * @param url of the page
 */
export const isLastPage = ({ self, first, last }: Places, url: string): boolean => {
  // Some payers write null as one of these texts.
  if (last === undefined || ['', 'null'].includes(last) || !URL.canParse(last, url)) return true;
  return [self, first, url].some(
    (one) => one !== undefined && URL.canParse(one, url) && isSamePage(new URL(one, url), new URL(last, url)),
  );
};
