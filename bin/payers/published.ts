import { webUrl, type Rule } from '../../config/checks/rules.ts';
import { listOf, textOf, type DiscoveryDocument } from '../../functions/shared/payer/discovery-documents.ts';
import { mayAsk, type Discovered } from './discover.ts';
import { ask, read, type Known } from './line.ts';

/** A reserved host name, which a production stage refuses. */
export const unknownHost = 'https://ask-the-payer.invalid';

const documentsOf = ({ smartConfiguration, serverMetadata }: Discovered): DiscoveryDocument[] =>
  [smartConfiguration, serverMetadata].filter((document) => document !== undefined);

/** A list that a payer publishes, and where. */
export interface PublishedList {
  readonly values: readonly string[];
  readonly where: string;
}

/** The documents' lists of this name. */
export const publishedLists = (found: Discovered, member: string): PublishedList[] =>
  documentsOf(found).flatMap((document) => {
    const values = listOf(document, member);
    return values === undefined ? [] : [{ values, where: `${member} in ${document.url}` }];
  });

/** The first document's list of this name. */
export const publishedList = (found: Discovered, member: string): PublishedList | undefined =>
  publishedLists(found, member)[0];

/** What the server says that it can do, in smart-configuration or in its CapabilityStatement. */
export const publishedCapabilities = (found: Discovered): PublishedList | undefined => {
  const listed = publishedList(found, 'capabilities');
  const stated = found.statement?.capabilities ?? [];
  if (stated.length === 0) return listed;
  const where = `security in ${found.given}/metadata`;
  return listed === undefined
    ? { values: stated, where }
    : { values: [...listed.values, ...stated], where: `${listed.where}, and ${where}` };
};

/** A URL that a payer publishes, and where. */
export interface PublishedUrl {
  readonly url: string;
  readonly where: string;
}

/** Every place that publishes a URL: members of documents, and SMART's extension of the CapabilityStatement. */
export const publishedUrls = (found: Discovered, member: string, oauthUri?: string): PublishedUrl[] => {
  const stated = oauthUri === undefined ? undefined : found.statement?.oauthUris.get(oauthUri);
  return [
    ...documentsOf(found).flatMap((document) => {
      const url = textOf(document, member);
      return url === undefined ? [] : [{ url, where: `${member} in ${document.url}` }];
    }),
    ...(stated === undefined ? [] : [{ url: stated, where: `oauth-uris in ${found.given}/metadata` }]),
  ];
};

/** Why a URL that a payer publishes cannot go into a profile; `undefined` if it can. */
const problemWith = (found: Discovered, url: string, rule: Rule): string | undefined => {
  if (url.length > 2048) return 'is longer than 2048 characters';
  return rule(url) ?? (mayAsk(url, found.given) ? undefined : 'is an address of a private network');
};

/**
 * A URL of the profile from what the payer publishes. Where documents differ, the first one counts, and the line says so.
 * @param placeholder stands for a URL that is published but unusable
 * @returns undefined if it is not published
 */
export const knownUrl = (
  found: Discovered,
  published: readonly PublishedUrl[],
  placeholder: string,
  rule: Rule = webUrl,
): Known<string> | undefined => {
  const usable = published.filter(({ url }) => problemWith(found, url, rule) === undefined);
  const [first] = usable;
  const [bad] = published;
  if (first === undefined) {
    return bad && ask(placeholder, `${bad.where} ${problemWith(found, bad.url, rule)}`);
  }
  const other = usable.find(({ url }) => url !== first.url);
  return read(
    first.url,
    other === undefined ? first.where : `${first.where}. ${other.where} is ${other.url}; ask which one is right`,
  );
};
