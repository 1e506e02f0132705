import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** A Markdown file of the repository. */
export interface Document {
  /** From the root, such as `docs/operate.md`. */
  readonly path: string;
  readonly text: string;
}

export const documentAt = (path: string): Document => ({ path, text: readFileSync(join(root, path), 'utf8') });

const markdownIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`));

/** Everything that readers are pointed to: `docs/` with its folders, and the files at the root. */
export const documents = (): Document[] =>
  [...markdownIn('.'), ...markdownIn('docs'), ...markdownIn('docs/partners'), ...markdownIn('docs/reports')].map(
    documentAt,
  );

/** The text of docs/operate.md and of the pages in its first list of links, joined. */
export const runbook = (): Document => ({
  path: 'the runbook',
  text: ['operate', 'alarms', 'reported-errors', 'incidents', 'restore']
    .map((name) => documentAt(`docs/${name}.md`).text)
    .join('\n'),
});

/** Fenced blocks with their language. */
export const blocksOf = ({ text }: Document): { readonly language: string; readonly code: string }[] =>
  [...text.matchAll(/^ *```(\w*)\n([^]*?)^ *```$/gm)].map(([, language = '', code = '']) => ({ language, code }));

/** The text without its fenced blocks. */
export const proseOf = ({ text }: Document): string => text.replaceAll(/^ *```[^]*?^ *```$/gm, '');

/** What is in backticks in the prose. */
export const codeSpansOf = (document: Document): string[] =>
  [...proseOf(document).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** The anchors of a document's headings, as GitHub generates them. */
export const anchorsOf = (document: Document): string[] =>
  [...proseOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
