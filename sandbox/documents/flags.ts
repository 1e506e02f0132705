import { UsageError } from '../../bin/shared/errors.ts';
import { read, type Spec } from '../../bin/shared/spec.ts';

const asBase = (given: string): string => {
  if (!/^\/(?:[\w.-]+\/)*$/.test(given))
    throw new UsageError('--base is a path with a slash at each end, such as /docs/');
  return given;
};

export const spec = {
  call: 'npm run docs --',
  about: `Builds the documentation site from docs/: pages with a sidebar for each reader, search without a server, llms.txt, and the
API document. The folder can be put on any static host. What builds it is installed in docs/site, once.

The local stack serves the same pages at http://localhost:3005/docs.`,
  usage: '[--out FOLDER] [--base PATH]',
  changes: 'nothing',
  '--out FOLDER': 'where to; docs/site/.vitepress/dist if absent',
  '--base PATH': read('where the site will be on its host; / if absent', asBase),
  rows: { '[--out FOLDER]': 'builds the documentation site, for any static host' },
} as const satisfies Spec;
