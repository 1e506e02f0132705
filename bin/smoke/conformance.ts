import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { visibleLine } from '../../config/checks/visible.ts';
import { rightAnswer, wrongAnswer, type AskedStage, type Question, type RunSuite } from './question.ts';

const root = join(import.meta.dirname, '../..');

/** The partners of stage `local`, whose secret is published. */
const localFile = ({ config: { partners }, edge }: AskedStage): object => {
  const redirectUriOf = (clientId: string): string | undefined =>
    partners.find((partner) => partner.clientId === clientId)?.redirectUris[0];
  const [webOrigin] = partners.find(({ clientId }) => clientId === 'demo-app')?.webOrigins ?? [];
  return {
    payer: 'northwind',
    edge,
    portal: { clientId: 'demo-partner', secret: 'demo-partner-secret', redirectUri: redirectUriOf('demo-partner') },
    app: { clientId: 'demo-app', redirectUri: redirectUriOf('demo-app'), webOrigin },
  };
};

/** Runs the suite in its own process. */
export const runSuite: RunSuite = async (origin, file, environment) => {
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/jest/bin/jest.js'),
      '-i',
      '--config',
      'jest.hard.config.ts',
      'test/conformance/conformance.test.ts',
    ],
    {
      cwd: root,
      env: {
        ...environment,
        NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
        P2P_BASE_URL: origin,
        P2P_CONFORMANCE_FILE: file,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [told, code] = await Promise.all([text(child.stderr), ended]);
  return { code, told };
};

/** The most lines of a wrong answer: a body may be long. */
const mostLines = 8;

/** What was expected and what came, in Jest's words: its first sentence if nothing was compared. */
const differenceIn = (failure: string): readonly string[] => {
  const lines = failure.split('\n').map((line) => line.trim());
  const compared = lines.filter((line) => /^(?:Expected|Received)\b.*:|^[-+] (?!Expected +-|Received +[+])/.test(line));
  const told = compared.length > 0 ? compared : lines.filter((line) => line !== '').slice(0, 1);
  const rest = told.length - mostLines;
  return rest > 0 ? [...told.slice(0, mostLines), `… and ${rest} more lines`] : told;
};

/** Each test that failed, with what was expected and what came. */
const wrongOnes = (told: string): string => {
  const found = told.split(/^ {2}● /m).slice(1);
  // Jest repeats them in its summary.
  const byName = new Map(found.map((one) => [one.split('\n', 1)[0] ?? '', one.slice(one.indexOf('\n'))] as const));
  return [...byName]
    .map(([name, failure]) => [`\n      ${name}`, ...differenceIn(failure)].join('\n        '))
    .join('')
    .replaceAll(/[^\n]+/g, (line) => visibleLine(line));
};

/** The part of the conformance suite that works on a deployed stage. */
export const conformance: Question = {
  name: 'conformance',
  title: 'The part of the conformance suite that works on a deployed stage',
  missing: ({ config, plan }) =>
    plan.conformance === undefined && config.stage !== 'local' ? '--conformance FILE' : undefined,
  ask: async (asked) => {
    const folder = await mkdtemp(join(tmpdir(), 'p2p-smoke-'));
    try {
      const ofLocal = join(folder, 'conformance.json');
      await writeFile(ofLocal, JSON.stringify(localFile(asked)));
      const { code, told } = await asked.runSuite(asked.origin, asked.plan.conformance ?? ofLocal, asked.environment);
      const counts = /^Tests: +(.*)$/m.exec(told)?.[1] ?? 'no test ran';
      return code === 0 ? rightAnswer(counts) : wrongAnswer(`${counts}${wrongOnes(told)}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
