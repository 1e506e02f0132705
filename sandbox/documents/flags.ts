import { matching, type Spec } from '../../bin/shared/spec.ts';

const aPath = 'a path with a slash at each end, such as /docs/';

export const spec = {
  call: 'npm run docs --',
  does: `Builds the documentation site from docs/: pages with a sidebar for each reader, search without a server, llms.txt, and the
API document. The folder can be put on any static host. What builds it is installed in docs/site, once.

The local stack serves the same pages at http://localhost:3005/docs.`,
  usage: '[--out FOLDER] [--base PATH]',
  '--out FOLDER': 'where to; docs/site/.vitepress/dist if absent',
  '--base PATH': matching('where the site will be on its host; / if absent', /^\/(?:[\w.-]+\/)*$/, aPath),
  rows: { '[--out FOLDER]': 'builds the documentation site, for any static host' },
} as const satisfies Spec;
