import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

/** What an error means and what to do, in the words of the API document. */
interface Explanation {
  readonly says: string;
  /** Where the operation is in the rendered document. */
  readonly href?: string;
}

interface Answered {
  readonly method: string;
  /** Masked. */
  readonly path: string;
  readonly status: number | undefined;
  readonly error: string;
}

export type Explain = (answered: Answered) => Explanation | undefined;

interface Response {
  readonly description?: string;
  readonly $ref?: string;
}
interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly responses?: Readonly<Record<string, Response>>;
}
interface Document {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly responses?: Readonly<Record<string, Response>> };
}

/** Each answer of the document lists its codes: "- `code` (`issue type`): what it means. What to do." */
const codesIn = (description: string): ReadonlyMap<string, string> =>
  new Map(
    [...description.matchAll(/^- `([a-z_]+)`(?: \(`[a-z-]+`\))?: ([^]*?)(?=\n- `|\n\n|\n?$(?![^]))/gm)].map(
      ([, code = '', says = '']) => [code, says.replaceAll(/\s+/g, ' ').replaceAll('`', '').trim()],
    ),
  );

const patternOf = (template: string): RegExp =>
  new RegExp(`^${template.replaceAll(/[.$]/g, String.raw`\$&`).replaceAll(/\{\w+\}/g, '[^/]+')}$`);

/** Reads explanations out of a document in OpenAPI. */
export const explainerOf = (text: string): Explain => {
  const { paths = {}, components = {} } = parse(text) as Document;
  const resolve = ({ $ref, description = '' }: Response): string =>
    $ref === undefined ? description : (components.responses?.[$ref.split('/').at(-1) ?? '']?.description ?? '');
  const operations = Object.entries(paths).flatMap(([template, item]) =>
    Object.entries(item)
      .filter(([, { responses }]) => responses !== undefined)
      .map(([method, { operationId = '', tags: [tag = 'default'] = [], responses = {} }]) => ({
        method: method.toUpperCase(),
        pattern: patternOf(template),
        href: `/api/#/${encodeURIComponent(tag)}/${operationId}`,
        answers: Object.entries(responses).map(([status, answer]) => ({ status, codes: codesIn(resolve(answer)) })),
      })),
  );
  return ({ method, path, status, error }) => {
    const fits = operations.find((operation) => operation.method === method && operation.pattern.test(path));
    const candidates = [
      ...(fits === undefined ? [] : [fits]),
      ...operations.filter((operation) => operation !== fits),
    ].flatMap(({ href, answers }) => answers.map((answer) => ({ href, ...answer })));
    const known = candidates.filter(({ codes }) => codes.has(error));
    const best = known.find((answer) => answer.href === fits?.href && answer.status === String(status)) ?? known[0];
    return best && { says: best.codes.get(error) ?? '', href: fits?.href ?? best.href };
  };
};

/** Parses at the first question: to parse takes a quarter of a second, and most stacks are asked nothing. */
const explainerIn = (text: string): Explain => {
  let explain: Explain | undefined;
  return (answered) => {
    try {
      explain ??= explainerOf(text);
    } catch {
      explain = () => undefined;
    }
    return explain(answered);
  };
};

/** The explanations of `docs/openapi.yaml`. Without that file, or where it is no YAML, nothing is explained. */
export const readExplanations = async (): Promise<Explain> => {
  try {
    return explainerIn(await readFile(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'));
  } catch {
    return () => undefined;
  }
};
