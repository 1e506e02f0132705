import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The repository's root. */
export const root = join(import.meta.dirname, '..', '..', '..');

/** Markdown outside docs/ that the site has too, by its name there. */
const besides: Readonly<Record<string, string>> = {
  // Security of the product is docs/security.md; the names must differ where case does not.
  'SECURITY.md': 'security-policy.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
  'README.md': 'index.md',
};

const find = (pattern: string | readonly string[]): string[] =>
  globSync(pattern, { cwd: root }).map((path) => path.replaceAll('\\', '/'));

const findPages = (): Readonly<Record<string, string>> => ({
  ...besides,
  ...Object.fromEntries(
    find('docs/{.,partners,reports}/*.md').map((path) => [
      path,
      path === 'docs/README.md' ? 'documents.md' : path.slice('docs/'.length).replace(/\/README\.md$/, '/index.md'),
    ]),
  ),
});

// The example programs write what they read into their folder: a member's record is not a document.
const findFiles = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    find([
      'docs/*.{txt,yaml,yml,json,sh}',
      'docs/postman/*.json',
      'docs/examples/*.{sh,mjs,py,pem,html}',
      'docs/examples/match.json',
    ]).map((path) => [path, path.slice('docs/'.length)]),
  );

const findPictures = (): Readonly<Record<string, string>> => ({
  'sandbox/live/static/icon.svg': 'public/icon.svg',
  ...Object.fromEntries(find('docs/pictures/*.webp').map((path) => [path, path.replace('docs/', 'public/')])),
});

/** Where a Markdown file of the repository is on the site, by its path from the root. */
export const pages = findPages();

/** Other files of docs/ that pages link to, by path from the root; they are copied as they are. */
export const files = findFiles();

/** Pictures, where the generator takes them from. */
export const pictures = findPictures();

/** A page's first heading. @throws Error if it has none */
export const titleOf = (path: string): string => {
  const [, title] = /^# (.+)$/m.exec(readFileSync(join(root, path), 'utf8')) ?? [];
  if (title === undefined) throw new Error(`${path} has no heading`);
  return title;
};

/** A page's address without the site's base. */
export const addressOf = (path: string): string | undefined =>
  pages[path] === undefined
    ? undefined
    : `/${pages[path].replace(/(?:^|(?<=\/))index\.md$/, '').replace(/\.md$/, '.html')}`;

/** The path from the root of the file that a page is. */
export const pathOf = (page: string): string | undefined => Object.keys(pages).find((path) => pages[path] === page);
