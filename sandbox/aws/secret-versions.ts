/** One secret: the values that have a staging label, what each label is on, and its tags. */
export interface Secret {
  /** Values by version id. */
  readonly versions: Map<string, string>;
  /** Version ids by staging label. */
  readonly labels: Map<string, string>;
  /** Values by key. */
  readonly tags: Map<string, string>;
  /** The ARN or alias of the key that it is encrypted with; undefined for Secrets Manager's own. */
  readonly keyId: string | undefined;
}

export const emptySecret = (keyId?: string): Secret => ({
  versions: new Map(),
  labels: new Map(),
  tags: new Map(),
  keyId,
});

const labelsOn = ({ labels }: Secret, version: string): string[] =>
  [...labels].filter(([, at]) => at === version).map(([label]) => label);

/** A version without a label is deprecated, and AWS deletes it. */
const dropUnlabeled = (secret: Secret): void => {
  for (const version of secret.versions.keys()) {
    if (labelsOn(secret, version).length === 0) secret.versions.delete(version);
  }
};

/** Moves a label to a version, or with `undefined` off all. The version that loses AWSCURRENT gets AWSPREVIOUS. */
export const moveLabel = (secret: Secret, label: string, version: string | undefined): void => {
  const before = secret.labels.get(label);
  if (version === undefined) secret.labels.delete(label);
  else secret.labels.set(label, version);
  if (label === 'AWSCURRENT' && before !== undefined && before !== version) secret.labels.set('AWSPREVIOUS', before);
  dropUnlabeled(secret);
};

/** Adds a version. The first one is current, whatever labels are asked for. */
export const addVersion = (secret: Secret, version: string, value: string, labels: readonly string[]): void => {
  const isFirst = secret.versions.size === 0;
  secret.versions.set(version, value);
  for (const label of new Set([...(isFirst ? ['AWSCURRENT'] : []), ...labels])) moveLabel(secret, label, version);
};

/** Staging labels by version id, as `DescribeSecret` has them. */
export const labelsByVersion = (secret: Secret): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries([...secret.versions.keys()].map((version) => [version, labelsOn(secret, version)]));
