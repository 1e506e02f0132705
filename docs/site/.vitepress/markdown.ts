import { posix } from 'node:path';
import { renderMermaidSVG } from 'beautiful-mermaid';
import type { MarkdownEnv, MarkdownOptions } from 'vitepress';
import { addressOf, files, pathOf } from './pages.ts';

type Markdown = Parameters<NonNullable<MarkdownOptions['config']>>[0];

/** GitHub's anchors, which the documents' links use. */
export const slugify = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

/**
 * A link's attributes on the site.
 * @param from the page's path from the root
 * @returns undefined for what the site does not have, such as source code
 */
const linkOf = (target: string, from: string, base: string): Readonly<Record<string, string>> | undefined => {
  if (/^(?:[a-z]+:|#)/.test(target)) return { href: target };
  const [path = '', anchor] = target.split('#');
  const file = posix.join(posix.dirname(from), path).replace(/\/$/, '');
  // A file is not a page that the site's script could show.
  if (files[file] !== undefined) return { href: `${base}${files[file]}`, target: '_self' };
  const address = addressOf(file);
  return address === undefined ? undefined : { href: `${address}${anchor === undefined ? '' : `#${anchor}`}` };
};

/** Links lead to pages of the site; what it does not have is named without a link. */
const withLinks = (md: Markdown, base: string): void => {
  md.core.ruler.push('links-of-the-site', ({ tokens, env }) => {
    const from = pathOf((env as MarkdownEnv).relativePath) ?? '';
    for (const { children } of tokens) {
      let isLink = true;
      for (const token of children ?? []) {
        if (token.type === 'image')
          token.attrSet('src', String(token.attrGet('src')).replace(/^(?:docs\/|\.\.\/)?pictures\//, '/pictures/'));
        if (token.type === 'link_open') {
          const link = linkOf(String(token.attrGet('href')), from, base);
          isLink = link !== undefined;
          for (const [name, value] of Object.entries(link ?? {})) token.attrSet(name, value);
        }
        // Links do not nest.
        if (!isLink && token.type.startsWith('link_')) Object.assign(token, { type: 'text', content: '' });
      }
    }
  });
};

/** Indented code is shown as fenced code is. */
const withIndentedCode = (md: Markdown): void => {
  md.core.ruler.push('indented-code', ({ tokens }) => {
    for (const token of tokens) if (token.type === 'code_block') Object.assign(token, { type: 'fence', tag: 'code' });
  });
};

/** Mermaid's diagrams are drawn when the site is built. */
const withDiagrams = (md: Markdown): void => {
  const { fence } = md.renderer.rules;
  md.renderer.rules.fence = (tokens, index, options, env, self) => {
    const block = tokens[index];
    if (block?.info.trim() !== 'mermaid') return fence?.(tokens, index, options, env, self) ?? '';
    const drawing = renderMermaidSVG(block.content, {
      bg: 'var(--vp-c-bg)',
      fg: 'var(--vp-c-text-1)',
      transparent: true,
    });
    // No font from elsewhere; and as a value, since a template may not hold a style.
    const value = JSON.stringify(drawing.replace(/@import [^;]*;/, ''));
    return `<div class="diagram" v-html="${md.utils.escapeHtml(value)}"></div>`;
  };
};

/** A place to link to, the one piece of HTML that the documents have: `<a id="name"></a>`. */
const withAnchors = (md: Markdown): void => {
  md.inline.ruler.before('autolink', 'anchor', (state, silent) => {
    const [all, id] = /^<a id="([\w-]+)"><\/a>/.exec(state.src.slice(state.pos)) ?? [];
    if (all === undefined || id === undefined) return false;
    if (!silent) state.push('anchor', '', 0).content = id;
    state.pos += all.length;
    return true;
  });
  md.renderer.rules['anchor'] = (tokens, index) => `<a id="${tokens[index]?.content}"></a>`;
};

/** Each cell of a table knows its column's heading, which phones show above it: a wide table has no room there. */
const withLabels = (md: Markdown): void => {
  md.core.ruler.push('labels-of-cells', ({ tokens }) => {
    let labels: string[] = [];
    let column = 0;
    for (const [index, token] of tokens.entries()) {
      if (token.type === 'table_open') labels = [];
      if (token.type === 'th_open') labels.push(tokens[index + 1]?.content.replaceAll('`', '') ?? '');
      if (token.type === 'tr_open') column = 0;
      if (token.type === 'td_open') {
        token.attrSet('data-label', labels[column++] ?? '');
        for (const child of tokens[index + 1]?.children ?? [])
          if (child.type === 'code_inline') child.meta = { isInCell: true };
      }
    }
  });
  // A long code may break after a part of it, never inside a word.
  const { code_inline: code } = md.renderer.rules;
  md.renderer.rules['code_inline'] = (tokens, index, options, env, self) => {
    const shown = code?.(tokens, index, options, env, self) ?? '';
    const isInCell = (tokens[index]?.meta as { isInCell?: boolean } | null)?.isInCell === true;
    return isInCell
      ? shown.replace(/(?<=>).*(?=<)/s, (text) => text.replaceAll(/(?<=\w)[_/](?=\w)/g, '$&<wbr>'))
      : shown;
  };
};

/** @param base where the site is on its host, with a slash at each end */
export const markdownAt = (base: string): MarkdownOptions => ({
  anchor: { slugify },
  toc: { slugify },
  // What looks like HTML in the documents is text, but for places to link to.
  html: false,
  config: (md) => {
    withLinks(md, base);
    withAnchors(md);
    withIndentedCode(md);
    withDiagrams(md);
    withLabels(md);
  },
});
