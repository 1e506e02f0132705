import { format } from 'prettier';
import type { CellResult, CleanRun } from './cell.ts';
import type { Path } from './paths.ts';
import { faultKinds, type Fault } from './proxy.ts';

/** A path, what it does if nothing fails, and what happened under each fault. */
export interface PathResults {
  readonly path: Path;
  readonly clean: CleanRun;
  readonly cells: readonly CellResult[];
}

const introduction = `# What happens when something fails

\`test/faults\` watches each path once to find the calls that the functions make, then fails each call in every way, one at a time. The
tables show what the caller saw, and what it got when it tried again after the fault was gone. Where an answer asked the caller to
wait, it waited and tried again, and the table shows the last answer. To write this page:

    FAULTS_DOC=write npm run test:hard -- test/faults

| fault        | what it is                                                                                       |
| ------------ | ------------------------------------------------------------------------------------------------ |
| refused      | the connection is reset, and nothing happened                                                    |
| throttled    | \`ProvisionedThroughputExceededException\`, \`ThrottlingException\`, or 429 from a payer         |
| out of order | 500 from AWS, or 503 with a page from a payer                                                    |
| answer lost  | it happened, and the connection is reset before the answer                                       |
| answer cut   | it happened, and the connection ends in the middle of the answer                                 |
| answer late  | it happened, and the answer does not come while anybody waits for it                             |
| killed       | the function's process gets SIGKILL when the call arrives, before it happened or after           |

*Any* is every kind above "killed". *Once* fails this request alone: the AWS SDK tries again, and a payer is not asked again,
except for a read over a kept connection that turns out to be closed.  *Always* fails the dependency from this
request on. Without either word, both hold. "Nothing" is what a caller sees of a killed process; from API Gateway it is a 502.

In every case:

- a code yields tokens at most once;
- no byte of a member's record leaves without its audit event;
- a grant survives, unless the payer replaced its refresh token and the new one was lost on the way ("the grant is lost"): then the
  member connects again, as with every client of a server that rotates;
- nothing is stored half-written;
- the answer has the form of its route, with \`Retry-After\` where trying again helps, and reveals nothing internal;
- a buffered answer arrives within API Gateway's 29 s;
- where the request itself cannot be repeated, a new login works.

## How a payer's answer is framed

\`test/faults/framing.test.ts\` runs every combination of {keep-alive, close} × {identity, gzip, deflate, br} × {Content-Length,
chunked, ended by the close} × {whole, cut, slow reader, paused reader} on reads, \`metadata\`, token calls and patient searches, with
answers of 200 bytes to 1 MB, and 55 answers that lie about themselves: a coding cut inside complete framing, lengths and chunk sizes that are wrong, two
lengths, two framings, codings that nobody asked for, bytes behind the end. \`test/faults/framing-large.test.ts\` runs every pair of these
with answers of 8, 190 and 300 MB on reads. The tests print their counts.

An answer arrives whole or visibly broken: an error before its first byte, or a stream that breaks off. No process ends, and no answer is silently short.

| what a payer sends                                                   | what the partner sees                                                           |
| -------------------------------------------------------------------- | ------------------------------------------------------------------------------- |
| framing that HTTP forbids, a coding that was not asked for           | 502                                                                             |
| less than its framing or its coding says                             | the stream breaks off                                                           |
| FHIR JSON that ends too early, whatever the framing says             | the stream breaks off: the gateway follows its strings and brackets             |
| another document (\`Binary\`) that the close of the connection ends    | what arrived; nothing shows that something is missing |
| more than the 200 MB that Lambda streams                             | 502 where its length is known, else the stream breaks off before                |
| bytes behind a complete answer                                       | the answer; the connection is not used again                                    |
`;

/** Faults with the same outcome, in as few words as possible. */
const namesOf = (faults: readonly Fault[]): string => {
  const kindsOf = (times: Fault['times']): string[] =>
    faults.filter((fault) => !fault.kind.startsWith('killed') && fault.times === times).map(({ kind }) => kind);
  const [once, always] = [kindsOf('once'), kindsOf('always')];
  const both = once.filter((kind) => always.includes(kind));
  const inWords = (kinds: readonly string[], times: string): string[] => {
    if (kinds.length === faultKinds.length) return [`any${times}`];
    return kinds.map((kind) => kind + times);
  };
  const apart = (kinds: readonly string[]): string[] => kinds.filter((kind) => !both.includes(kind));
  const kills = faults.filter(({ kind }) => kind.startsWith('killed')).map(({ kind }) => kind);
  return [
    ...inWords(both, ''),
    ...inWords(apart(once), ', once'),
    ...inWords(apart(always), ', always'),
    ...(kills.length === 2 ? ['killed'] : kills),
  ].join('; ');
};

const rowsOf = (call: string, cells: readonly CellResult[]): string[] => {
  const groups = new Map<string, Fault[]>();
  for (const { fault, saw, again } of cells.filter((cell) => cell.fault.call === call)) {
    const outcome = `${saw} | ${again}`;
    groups.set(outcome, [...(groups.get(outcome) ?? []), fault]);
  }
  return [...groups].map(([outcome, faults]) => `| ${call} | ${namesOf(faults)} | ${outcome} |`);
};

const sectionOf = ({ path, clean, cells }: PathResults): string => {
  const title = `## ${path.name[0]?.toUpperCase()}${path.name.slice(1)}\n\nWhere nothing fails: ${clean.saw}.`;
  if (clean.calls.length === 0) return `${title} It calls nothing.\n`;
  const rows = clean.calls.flatMap((call) => rowsOf(call, cells));
  return `${title}\n\n| call | fault | the caller saw | tried again |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
};

/** The text of docs/reports/faults.md. */
export const faultsDocument = (results: readonly PathResults[]): Promise<string> =>
  format([introduction, ...results.map(sectionOf)].join('\n'), {
    parser: 'markdown',
    printWidth: 120,
    proseWrap: 'preserve',
  });
