import {
  needsToken,
  readAsPartner,
  rightAnswer,
  wrongAnswer,
  type AskedStage,
  type Question,
  type SmokeAnswer,
} from './question.ts';

const challengeNames = { true: 'www-authenticate', false: 'x-amzn-remapped-www-authenticate' } as const;

/** API Gateway renames a function's `WWW-Authenticate`, and the edge restores the name. */
export const challenge: Question = {
  name: 'challenge',
  title: 'A read without a token is 401 with a challenge',
  missing: () => undefined,
  ask: async ({ base, edge }) => {
    const { status, headers } = await fetch(`${base}/Patient`, { redirect: 'manual' });
    if (status !== 401) return wrongAnswer(`answered ${status} instead of 401`);
    const name = challengeNames[`${edge}`];
    const value = headers.get(name);
    return value === 'Bearer' ? rightAnswer(`${name}: Bearer`) : wrongAnswer(`${name} is ${value ?? 'missing'}`);
  },
};

const countOf = async (asked: AskedStage, path: string): Promise<number> => {
  const response = await readAsPartner(asked, path);
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  const { entry = [] } = (await response.json()) as { entry?: unknown[] };
  return entry.length;
};

const since = '_lastUpdated=ge1900-01-01';
const before = '_lastUpdated=lt1900-01-01';

/** Both bounds together exclude everything. If one of them is lost, the Patient is found in one of the two orders. */
export const repeatedParameter: Question = {
  name: 'repeated',
  title: 'A repeated query parameter reaches the payer twice',
  missing: needsToken,
  ask: async (asked) => {
    if ((await countOf(asked, `Patient?${since}`)) === 0) {
      return wrongAnswer('this payer finds no Patient by _lastUpdated, so the test shows nothing');
    }
    const found = [
      await countOf(asked, `Patient?${since}&${before}`),
      await countOf(asked, `Patient?${before}&${since}`),
    ];
    return found.every((count) => count === 0)
      ? rightAnswer('both values counted, in either order')
      : wrongAnswer(`one of two values was lost (${found.join(' and ')} found)`);
  },
};

const megabyte = 1024 * 1024;

/** Reads a body to its end. `whole` is false if it was cut off. */
const drain = async ({ body }: Response): Promise<{ bytes: number; whole: boolean; last: string }> => {
  let [bytes, last] = [0, ''];
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length;
      last = Buffer.from(chunk.subarray(-16)).toString('latin1');
    }
    return { bytes, whole: true, last };
  } catch {
    return { bytes, whole: false, last };
  }
};

const inMegabytes = (bytes: number): string => `${(bytes / megabyte).toFixed(1)} MB`;

/** API Gateway and Lambda stream; a buffered answer would end at 6 MB. */
export const largeAnswer: Question = {
  name: 'large',
  title: 'A large answer arrives whole',
  missing: (asked) => needsToken(asked) ?? (asked.plan.large === undefined ? '--large PATH' : undefined),
  ask: async (asked): Promise<SmokeAnswer> => {
    const startedAtMs = performance.now();
    const response = await readAsPartner(asked, asked.plan.large ?? '');
    if (response.status !== 200) return wrongAnswer(`answered ${response.status}`);
    const { bytes, whole, last } = await drain(response);
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    if (!whole || !last.trimEnd().endsWith('}')) return wrongAnswer(`cut after ${inMegabytes(bytes)}`);
    if (bytes < asked.plan.megabytes * megabyte)
      return wrongAnswer(`whole, but only ${inMegabytes(bytes)}: read something larger`);
    return rightAnswer(`${inMegabytes(bytes)} in ${seconds} s`);
  },
};

/** An answer that breaks off at the payer must not look complete to the partner, whatever is in between. */
export const cutAnswer: Question = {
  name: 'cut',
  title: 'An answer that the payer cuts off also arrives cut off',
  missing: (asked) => needsToken(asked) ?? (asked.plan.cut === undefined ? '--cut PATH' : undefined),
  ask: async (asked): Promise<SmokeAnswer> => {
    const response = await readAsPartner(asked, asked.plan.cut ?? '');
    if (response.status >= 500) return rightAnswer(`answered ${response.status} before the first byte`);
    if (response.status !== 200) return wrongAnswer(`answered ${response.status}`);
    const { bytes, whole } = await drain(response);
    return whole
      ? wrongAnswer(`looked complete after ${inMegabytes(bytes)}`)
      : rightAnswer(`cut after ${inMegabytes(bytes)}`);
  },
};
