import type { TypeRow } from './compare.ts';
import type { StepReport } from './step.ts';
import type { DemoResult } from './steps.ts';

/** A step, formatted for a terminal. */
export const stepLines = (step: StepReport): string => {
  return `\n${step.title} (${step.ms} ms)\n\n${indented(step.request)}\n\n${indented(step.response)}\n`;
};

/** The member and the table of types, with the gateway's counts beside the payer's. */
export const resultLines = (result: DemoResult): string => {
  const total: TypeRow = {
    type: 'all',
    gateway: sum(result.types.map((row) => row.gateway)),
    payer: sum(result.types.map((row) => row.payer)),
  };
  const width = Math.max(...result.types.map(({ type }) => type.length), 'resource type'.length);
  const line = (type: string, gateway: string | number, payer: string | number) =>
    `  ${type.padEnd(width)}  ${String(gateway).padStart(11)}  ${String(payer).padStart(9)}`;
  const rows = [...result.types, total].map(({ type, gateway, payer }) => line(type, gateway, payer));
  const verdict = result.agree
    ? 'They agree: every resource is the same, to the last decimal.'
    : `They do not agree. Different or missing: ${result.differences.slice(0, 10).join(', ')}`;
  const member = `Member: ${result.member.name}, born ${result.member.birthDate}`;
  return `\n${member}\n\n${line('resource type', 'via gateway', 'at payer')}\n${rows.join('\n')}\n\n${verdict}\n`;
};

const indented = (text: string): string => {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
};

const sum = (numbers: readonly number[]): number => {
  return numbers.reduce((total, number) => total + number, 0);
};
