import { styleText } from 'node:util';
import type { Payer } from '../../functions/shared/registry/types.ts';
import type { Finding } from './finding.ts';
import type { Registration } from './registration.ts';

/** What was found about one payer. */
export interface Examined {
  readonly payer: Pick<Payer, 'id' | 'displayName'>;
  readonly findings: readonly Finding[];
  /** Undefined if the payer's entry is damaged. */
  readonly registration: Registration | undefined;
}

/** With this many payers or more, only those that need attention are printed. */
export const many = 50;

const checkWidth = 'connection'.length;

const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

const findingLines = ({ check, text, todo }: Finding): string[] => {
  const label = check.padEnd(checkWidth);
  return todo === undefined
    ? [`  ${styleText('green', '✓')} ${label}  ${text}`]
    : [
        `  ${styleText('red', '✗')} ${label}  ${text}`,
        `    ${' '.repeat(checkWidth)}  ${styleText('bold', `→ ${todo}`)}`,
      ];
};

const registrationLines = ({ redirectUri, jwksUrl }: Registration): string[] => [
  `    register    redirect URI  ${redirectUri}`,
  ...(jwksUrl === undefined ? [] : [`                JWKS URL      ${jwksUrl}`]),
];

/** One payer's findings as lines for a person: each is a pass, or what is wrong and what to do. */
export const payerLines = ({ payer, findings, registration }: Examined): string[] => [
  `${styleText('bold', payer.displayName)} (${payer.id})`,
  ...findings.flatMap(findingLines),
  ...(registration === undefined ? [] : registrationLines(registration)),
  '',
];

const todosOf = (examined: readonly Examined[]): number =>
  examined.flatMap(({ findings }) => findings).filter(({ todo }) => todo !== undefined).length;

/** Whether someone has to do something about a payer. */
export const hasTodo = ({ findings }: Examined): boolean => findings.some(({ todo }) => todo !== undefined);

export const isAllWell = (examined: readonly Examined[]): boolean => todosOf(examined) === 0;

/** Whether an operator has paused a payer. */
export const isPaused = ({ findings }: Examined): boolean =>
  findings.some(({ check, todo }) => check === 'registry' && todo === undefined);

/** The result in one line. */
export const summary = (examined: readonly Examined[]): string => {
  const todos = todosOf(examined);
  const paused = examined.filter(isPaused).length;
  const damaged = examined.filter(({ registration }) => registration === undefined).length;
  return [
    `${counted(examined.length, 'payer')}: ${todos === 0 ? 'all well' : `${counted(todos, 'thing')} to do`}`,
    ...(paused === 0 ? [] : [`${paused} paused`]),
    ...(damaged === 0 ? [] : [`${damaged} damaged`]),
  ].join(', ');
};

/** The same for a program: a finding has a `todo` if there is something to do. */
export const asJson = (stage: string, examined: readonly Examined[]): string =>
  JSON.stringify(
    {
      stage,
      ok: isAllWell(examined),
      payers: examined.map(({ payer: { id, displayName }, findings, registration }) => ({
        id,
        displayName,
        findings: findings.map((finding) => ({ ok: finding.todo === undefined, ...finding })),
        register: registration,
      })),
    },
    null,
    2,
  );
