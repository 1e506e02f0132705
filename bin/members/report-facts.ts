import type { ReadOfRecord } from './history.ts';
import { payerName } from './names.ts';
import type { Report } from './report-content.ts';

/** Whether a read's bytes went to an app. What an export's job reads stays in sealed files until they are downloaded. */
export const leftTheGateway = ({ interaction }: Pick<ReadOfRecord, 'interaction'>): boolean =>
  !interaction.startsWith('export') || /^export (?:file|manifest)/.test(interaction);

const countOf = ({ history }: Report, ...outcomes: readonly ReadOfRecord['outcome'][]): number =>
  history.reads.filter(({ outcome }) => outcomes.includes(outcome)).length;

/** What a report cannot tell, in sentences. */
export const limitsOf = (report: Report): string[] => {
  const { payer, since, auditDays, remarks, patient } = report;
  const name = payerName(payer);
  const unknown = countOf(report, 'unknown');
  const open = countOf(report, 'open');
  return [
    'What apps did with the data that they were sent, and whom they gave it to.',
    'What was in an answer. The gateway keeps which type of data was read, when, how much and with what outcome, and never the data.',
    `What others read at ${name} directly, without this gateway, and what other health plans hold about the same person.`,
    payer.entry?.patientFrom === 'none'
      ? `Grants at ${name} are bound to no patient, so none of them can be found by a member. This report is not complete.`
      : 'Grants that know no patient. A health plan can be set up without one; such grants are in no report by member.',
    ...(patient === undefined ? ['Whose record this grant opened: it knows no patient.'] : []),
    ...(unknown === 0
      ? []
      : [
          `How ${unknown === 1 ? 'one read' : `${unknown} reads`} ended. Up to all of what was asked for may have been sent, or nothing.`,
        ]),
    ...(open === 0
      ? []
      : [
          `How ${open === 1 ? 'one read' : `${open} reads`} will end that had begun and not ended when this report was made. Make it again in 20 minutes.`,
        ]),
    ...(report.hasExchanges || report.exchanges.length > 0
      ? [
          'Exchanges about this member whose answer named no patient: only the requesting plan knows whom it meant.',
          'Whether the member agreed to an exchange: the plan that asked says so.',
          "How much of an exchange's files is about this member: a file has the records of several.",
        ]
      : []),
    'What happened in the last minute: events reach the audit some seconds after they happen.',
    `What is older than the audit is kept: ${auditDays} days.`,
    ...(since === undefined ? [] : [`Reads before ${since}: they were not asked for.`]),
    ...remarks,
  ];
};
