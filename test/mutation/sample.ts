import { hash } from 'node:crypto';

/** A syntax tree's node as Babel gives it, as far as it is used here. */
interface NodePath {
  readonly node: { readonly start?: number | null };
  readonly parent?: { readonly type: string };
  readonly getSource: () => string;
}

const percent = Number(process.env['MUTATION_SAMPLE'] ?? '100');

/** The same for the same code in every run, and without regard to what the code does. */
const isDrawn = (source: string): boolean => hash('sha256', source, 'buffer').readUInt16BE(0) % 100 < percent;

/** Leaves out the top-level statements that the sample did not draw, with everything in them. */
const shouldIgnore = (path: NodePath): string | undefined =>
  path.parent?.type === 'Program' && !isDrawn(path.getSource()) ? 'not in the sample' : undefined;

/** What Stryker loads. */
export const strykerPlugins = [{ kind: 'Ignore', name: 'sample', value: { shouldIgnore } }];
