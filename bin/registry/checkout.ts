import { basename, dirname, resolve } from 'node:path';
import type { Git } from '../shared/git.ts';

/** Where a stage's file is in git. */
export interface Checkout {
  readonly folder: string;
  readonly commit: string;
  /** Whether the file, or another of its folder, has changes that are in no commit. */
  readonly uncommitted: boolean;
}

const isCommit = (text: string): boolean => /^[0-9a-f]{40,64}$/.test(text);

/** Finds the commit of a stage's file; undefined outside of git. */
export const checkoutOf = async (run: Git, file: string): Promise<Checkout | undefined> => {
  const [folder, name] = [dirname(resolve(file)), basename(file)];
  const head = await run(folder, ['rev-parse', '--verify', '--quiet', 'HEAD']);
  if (head.code !== 0 || !isCommit(head.out)) return undefined;
  const own = await run(folder, ['status', '--porcelain', '--ignored', '--', name]);
  const others = await run(folder, ['status', '--porcelain', '--untracked-files=no', '--', '.']);
  const isClean = [own, others].every(({ code, out }) => code === 0 && out === '');
  return { folder, commit: head.out, uncommitted: !isClean };
};

/** Whether a commit is an ancestor of the checkout's, or the same; `unknown` if the checkout does not have it. */
export const isAncestor = async (
  run: Git,
  { folder, commit }: Checkout,
  earlier: string,
): Promise<boolean | 'unknown'> => {
  if (!isCommit(earlier)) return 'unknown';
  const found = await run(folder, ['cat-file', '-e', `${earlier}^{commit}`]);
  if (found.code !== 0) return 'unknown';
  const { code } = await run(folder, ['merge-base', '--is-ancestor', earlier, commit]);
  return code === 0 ? true : code === 1 ? false : 'unknown';
};
