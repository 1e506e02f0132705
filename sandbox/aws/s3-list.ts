import { currentOf, type Objects, type StoredObject } from './s3-bucket.ts';
import { escapeXml, s3Error, xml } from './s3-errors.ts';
import type { AwsAnswer, AwsRequest } from './service.ts';

/** An object, or a folder: all keys with the same text up to the delimiter. */
type Entry = { readonly key: string; readonly stored: StoredObject } | { readonly folder: string };

const nameOf = (entry: Entry): string => ('folder' in entry ? entry.folder : entry.key);

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** In the order of the keys' UTF-8 bytes. */
const entriesOf = (objects: Objects, prefix: string, delimiter: string): Entry[] => {
  const folders = new Set<string>();
  const found: Entry[] = [];
  for (const [key, versions] of objects.entries()) {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const stored = currentOf(versions);
    if (!key.startsWith(prefix) || stored === undefined) continue;
    if (end === -1) found.push({ key, stored });
    else folders.add(key.slice(0, end + delimiter.length));
  }
  return [...found, ...[...folders].map((folder) => ({ folder }))].sort((a, b) => byBytes(nameOf(a), nameOf(b)));
};

const element = (name: string, value: string | number | boolean): string =>
  `<${name}>${escapeXml(String(value))}</${name}>`;

/** What a request may list; undefined if its `max-keys` is no number of keys. */
const wantedOf = ({ query }: AwsRequest): { readonly prefix: string; readonly maxKeys: number } | undefined => {
  const maxKeys = Math.min(Number(query.get('max-keys') ?? 1000), 1000);
  return Number.isInteger(maxKeys) && maxKeys >= 0 ? { prefix: query.get('prefix') ?? '', maxKeys } : undefined;
};

/** The first page of a list. `last` is there if the list goes on. */
const pageOf = <T>(rest: readonly T[], maxKeys: number): { readonly page: readonly T[]; readonly last?: T } => {
  const page = rest.slice(0, maxKeys);
  const last = page.at(-1);
  return last !== undefined && rest.length > page.length ? { page, last } : { page };
};

/** What versions and objects have in common. */
const contentXml = ({ etag, body }: StoredObject): readonly string[] => [
  element('ETag', etag),
  element('Size', body.length),
  element('StorageClass', 'STANDARD'),
];

/** @param parts the elements that come after those of each list */
const listXml = (
  name: string,
  bucketName: string,
  { prefix, maxKeys, isTruncated }: NonNullable<ReturnType<typeof wantedOf>> & { readonly isTruncated: boolean },
  parts: readonly string[],
): AwsAnswer => {
  const head = [
    element('Name', bucketName),
    element('Prefix', prefix),
    element('MaxKeys', maxKeys),
    element('IsTruncated', isTruncated),
  ];
  const content = [...head, ...parts].join('');
  return xml(200, `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${name}>`);
};

const entryXml = (entry: Entry): string => {
  if ('folder' in entry) return `<CommonPrefixes>${element('Prefix', entry.folder)}</CommonPrefixes>`;
  const parts = [
    element('Key', entry.key),
    element('LastModified', entry.stored.lastModified.toISOString()),
    ...contentXml(entry.stored),
  ];
  return `<Contents>${parts.join('')}</Contents>`;
};

/** A token encodes where the previous page ended. */
const tokenOf = (entry: Entry): string => Buffer.from(nameOf(entry)).toString('base64url');

/** `ListObjectsV2` (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html). */
export const listObjects = (bucketName: string, objects: Objects, request: AwsRequest): AwsAnswer => {
  const { query } = request;
  const wanted = wantedOf(request);
  const delimiter = query.get('delimiter') ?? '';
  const token = query.get('continuation-token');
  if (token === '' || wanted === undefined) return s3Error('InvalidArgument', request);
  const after = token === null ? query.get('start-after') : Buffer.from(token, 'base64url').toString();
  const rest = entriesOf(objects, wanted.prefix, delimiter).filter(
    (entry) => after === null || byBytes(nameOf(entry), after) > 0,
  );
  const { page, last } = pageOf(rest, wanted.maxKeys);
  return listXml('ListBucketResult', bucketName, { ...wanted, isTruncated: last !== undefined }, [
    ...(delimiter === '' ? [] : [element('Delimiter', delimiter)]),
    element('KeyCount', page.length),
    ...(last === undefined ? [] : [element('NextContinuationToken', tokenOf(last))]),
    ...page.map(entryXml),
  ]);
};

const versionXml = (key: string, stored: StoredObject, isLatest: boolean): string => {
  const parts = [
    element('Key', key),
    element('VersionId', stored.versionId),
    element('IsLatest', isLatest),
    element('LastModified', stored.lastModified.toISOString()),
  ].join('');
  if (stored.isMarker === true) return `<DeleteMarker>${parts}</DeleteMarker>`;
  return `<Version>${parts}${contentXml(stored).join('')}</Version>`;
};

/**
 * `ListObjectVersions`, the newest of a key first (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
 */
export const listVersions = (bucketName: string, objects: Objects, request: AwsRequest): AwsAnswer => {
  const { query } = request;
  if (query.has('delimiter') || query.has('encoding-type')) return s3Error('NotImplemented', request);
  const wanted = wantedOf(request);
  if (wanted === undefined) return s3Error('InvalidArgument', request);
  const [afterKey, afterVersion] = [query.get('key-marker') ?? '', query.get('version-id-marker')];
  const all = [...objects.entries()]
    .filter(([key]) => key.startsWith(wanted.prefix))
    .sort(([a], [b]) => byBytes(a, b))
    .flatMap(([key, versions]) =>
      versions.toReversed().map((stored, age) => ({ key, stored, xml: versionXml(key, stored, age === 0) })),
    );
  const marker = all.findIndex(({ key, stored }) => key === afterKey && stored.versionId === afterVersion);
  const rest = marker === -1 ? all.filter(({ key }) => byBytes(key, afterKey) > 0) : all.slice(marker + 1);
  const { page, last } = pageOf(rest, wanted.maxKeys);
  return listXml('ListVersionsResult', bucketName, { ...wanted, isTruncated: last !== undefined }, [
    ...(last === undefined
      ? []
      : [element('NextKeyMarker', last.key), element('NextVersionIdMarker', last.stored.versionId)]),
    ...page.map((one) => one.xml),
  ]);
};

/** `ListBuckets`, on one page (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html). */
export const listBuckets = (names: Iterable<string>, { query }: AwsRequest): AwsAnswer => {
  const prefix = query.get('prefix') ?? '';
  const found = [...names].filter((name) => name.startsWith(prefix)).sort(byBytes);
  const buckets = found.map((name) => `<Bucket>${element('Name', name)}</Bucket>`).join('');
  return xml(200, `<ListAllMyBucketsResult><Buckets>${buckets}</Buckets></ListAllMyBucketsResult>`);
};
