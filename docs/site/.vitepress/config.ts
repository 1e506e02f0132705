import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitepress';
import { markdownAt } from './markdown.ts';
import { files, pages, pictures, root } from './pages.ts';
import { sidebarOf } from './sidebar.ts';

/** Copies files of the repository. @param names by path from the root, where to in the folder */
const copy = (names: Readonly<Record<string, string>>, folder: string): void => {
  for (const [path, name] of Object.entries(names)) {
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, path), target);
  }
};

/** Pages by their names in docs/, which llms.txt uses. */
const asWritten = Object.fromEntries(
  Object.entries(pages).map(([path, page]) => [path, path.startsWith('docs/') ? path.slice('docs/'.length) : page]),
);

// The generator takes pages from a folder below it only.
const srcDir = join(import.meta.dirname, 'pages');
rmSync(srcDir, { recursive: true, force: true });
copy({ ...pages, ...pictures }, srcDir);

/** Where the site is on its host. */
const base = process.env['DOCS_BASE'] ?? '/';

export default defineConfig({
  lang: 'en',
  head: [['link', { rel: 'icon', href: `${base}icon.svg` }]],
  title: 'Payer-to-payer gateway',
  description: 'An OAuth 2.0 and FHIR R4 gateway between health plans.',
  srcDir,
  base,
  // The sidebar names every page; a reader wants a few.
  router: { prefetchLinks: false },
  markdown: markdownAt(base),
  // Of this machine's own servers.
  ignoreDeadLinks: 'localhostLinks',
  vite: { esbuild: { target: 'es2022', tsconfigRaw: '{}' } },
  // Every page is there as Markdown too, for programs that read: llms.txt leads to them.
  buildEnd: ({ outDir }) => copy({ ...files, ...asWritten }, outDir),
  themeConfig: {
    search: { provider: 'local' },
    sidebar: sidebarOf(),
    outline: [2, 3],
    nav: [
      { text: 'Quick start', link: '/partners/quick-start.html' },
      { text: 'API', link: `${base}openapi.yaml`, target: '_self' },
      { text: 'All documents', link: '/documents.html' },
    ],
  },
});
