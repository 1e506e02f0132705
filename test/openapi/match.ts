import { operations, type DocumentedAnswer, type Operation } from './document.ts';

const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '');

const isVariable = (segment: string): boolean => segment.startsWith('{');

/** A concrete name comes before a variable one (OpenAPI 3.1, "Path Templating Matching"), from left to right. */
const order = (one: Operation, other: Operation): number => {
  const [mine, theirs] = [segmentsOf(one.path), segmentsOf(other.path)];
  const at = mine.findIndex((segment, index) => isVariable(segment) !== isVariable(theirs[index] ?? ''));
  return at < 0 ? 0 : isVariable(mine[at] ?? '') ? 1 : -1;
};

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** The operations of a path; of two templates that fit, the more concrete one. FHIR's reserved names begin with `_`. */
export const operationsAt = (url: string): readonly Operation[] => {
  const segments = segmentsOf(url.replace(/\?.*/s, '')).map(decoded);
  const fits = ({ path }: Operation): boolean => {
    const template = segmentsOf(path);
    return (
      template.length === segments.length &&
      template.every((part, index) =>
        part === '{id}' || part === '{searched}'
          ? !/^[_$]/.test(segments[index] ?? '')
          : isVariable(part) || part === segments[index],
      )
    );
  };
  const [first, ...more] = operations.filter(fits).toSorted(order);
  return first === undefined ? [] : [first, ...more.filter(({ path }) => path === first.path)];
};

/** The documented answer for a status: itself, or its range. */
export const answerFor = ({ answers }: Operation, status: number): DocumentedAnswer | undefined =>
  answers.find((answer) => answer.status === String(status)) ??
  answers.find((answer) => answer.status === `${String(status)[0]}XX`);

/** The operation's answer for what AWS says in front of the gateway. */
export const frontDoorOf = ({ answers }: Operation): DocumentedAnswer | undefined =>
  answers.find(({ status }) => status === 'default');
