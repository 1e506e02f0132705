import type { WhyLeftOut } from '../../shared/exchanges/group.ts';
import { anyResource, isMissing, isOfNothing, type Problem, type Severity } from '../reading/problems.ts';
import {
  attachmentFaults,
  elsewhere,
  fileFaults,
  groupFaults,
  linesReasons,
  memberFaults,
  notAsked,
  notReadReasons,
  pageFaults,
  patientElsewhere,
  planFaults,
  provenanceFaults,
  saidOfPages,
  skipReasons,
  unusable,
  whyOnlyReferred,
  type IssueCode,
} from './reasons.ts';

/** The content of one OperationOutcome in the error file. */
interface Issue {
  readonly severity: Severity;
  readonly code: IssueCode;
  /** One sentence that partners see. */
  readonly text: string;
}

const answered = (status: number | undefined): string => {
  if (status === undefined) return 'the payer did not answer';
  return status === 200 ? 'the payer answered with another resource' : `the payer answered with status ${status}`;
};

const named = (type: string, id: string | undefined): string =>
  id === undefined ? `A resource of type ${type}` : `${type}/${id}`;

type Total = Extract<Problem, { readonly kind: 'totalShrank' | 'totalShort' }>;

const cameOf = ({ read, included, late }: Pick<Total, 'read' | 'included' | 'late'>): string =>
  [
    `${read} came`,
    ...(included === undefined ? [] : [`${included} that it marks as included`]),
    ...(late === undefined ? [] : [`${late} that changed after the end that was asked for`]),
  ].join(', and ');

/** Where a resource came: on a page of a search, or in a file of the payer's. */
const onPage = (page: number | undefined, file?: number): string => {
  if (file !== undefined) return ` in file ${file}`;
  return page === undefined ? '' : ` on page ${page}`;
};

const counted = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`;

const leftOutReasons: Readonly<Record<WhyLeftOut, string>> = {
  ended: 'the exchange was ended for this member',
  consentEnded: 'the consent has ended',
  notNow: "the member's period in the payer's Group has ended",
};

/** How a Group's entries differ from what was submitted. */
const entriesOf = (count: number, why: 'stranger' | 'form' | 'extra'): string => {
  const are = count === 1 ? 'is' : 'are';
  if (why === 'extra') {
    return `${counted(count, 'resource', 'resources')} in the payer's Groups ${are} left out: no entry refers to ${count === 1 ? 'it' : 'them'}.`;
  }
  return why === 'stranger'
    ? `${counted(count, 'entry', 'entries')} of the payer's Groups ${count === 1 ? 'names a patient who was' : 'name patients who were'} not submitted, and ${are} left out.`
    : `${counted(count, 'entry', 'entries')} of the payer's Groups cannot be read, and ${are} left out.`;
};

const whyUnknown = ({
  isElsewhere,
  isWithoutId,
  isEarly,
  isNameless,
}: Extract<Problem, { kind: 'unknownPatient' }>): string => {
  if (isWithoutId === true) return 'it has no id that says whose it is';
  if (isNameless === true) return 'it names no patient, and nothing shows that it is about this member';
  if (isEarly === true)
    return "it came before the member's Patient, and is about another id, which may be the member's";
  return isElsewhere === true ? `it is about ${patientElsewhere}` : 'whom it is about cannot be read';
};

type Kind = Problem['kind'];

/** A problem of a kind. */
type Of<K extends Kind> = Problem extends infer One
  ? One extends { readonly kind: infer Kinds }
    ? K extends Kinds
      ? One
      : never
    : never
  : never;

type Says<P, T> = T | ((problem: P) => T);

/** How an issue says a problem. */
type Row<P> = readonly [
  severity: Says<P, Severity>,
  code: Says<P, IssueCode>,
  /** One sentence that partners see. */
  text: Says<P, string>,
];

const resources = (count: number): string => counted(count, 'resource', 'resources');
const wasOrWere = (count: number): string => (count === 1 ? 'was' : 'were');

/** Why something did not come, with the payer's status if that is known. */
const whyNot = (why: string, status: number | undefined): string =>
  status === undefined ? why : `${why} with status ${status}`;

const mayBeMissing = (problem: Problem): string => (isMissing(problem) ? ' Resources may be missing.' : '');

const tooLongOr = ({ reason }: { readonly reason: keyof typeof skipReasons }): IssueCode =>
  reason === 'tooLarge' ? 'too-long' : 'structure';

const referenceText = ({ type, id, isContent, status, fault }: Of<'referenceGone'>): string => {
  const why = fault === undefined ? answered(status) : pageFaults[fault];
  // The member's Patient is read by its id, whatever refers to it.
  const whose = type === 'Patient' ? '' : ', which the record refers to,';
  return `${type}/${id}${whose} could not be read: ${isContent === true ? 'the payer answered with its content, and not with a resource' : why}.`;
};

const attachmentOf = ({ type, id }: Pick<Of<'attachmentGone'>, 'type' | 'id'>): string =>
  `An attachment of ${id === undefined ? `a resource of type ${type}` : named(type, id)}`;

const attachmentText = ({ why, status, isUnserved, ...of }: Of<'attachmentGone'>): string => {
  const reason = status === undefined ? attachmentFaults[why][1] : answered(status);
  const more = isUnserved === true ? ', and the gateway does not serve its URL' : '';
  return `${attachmentOf(of)} did not come: ${reason}${more}.`;
};

const refusedText = (problem: Of<'typeRefused'>): string => {
  const { type, status, isAbsent } = problem;
  if (isOfNothing(problem)) {
    const may = isAbsent === true ? 'not have the type, have none of it' : 'have none of it';
    return `The payer answered a search of ${type} with status ${status}, and gave nothing of the member's: it may ${may}, or not know the member.`;
  }
  return status === 200
    ? `The payer answered a search of ${type} with an OperationOutcome in place of a Bundle.`
    : `The payer refused ${type} with status ${status}.`;
};

const planRefusedText = ({ step, status, fault }: Of<'planRefused'>): string => {
  if (fault !== undefined)
    return `The payer answered ${step === 'ask' ? 'the request' : 'when it was asked for the status'}, but ${unusable}.`;
  if (status === undefined)
    return `The payer did not answer ${step === 'ask' ? 'the request' : 'any more when it was asked for the status'}.`;
  return `The payer ${step === 'ask' ? 'refused' : 'ended'} the request with status ${status}.`;
};

const incomplete = <P>(text: Says<P, string>): Row<P> => ['error', 'incomplete', text];
const maybeIncomplete = <P>(text: Says<P, string>): Row<P> => ['warning', 'incomplete', text];
const suppressed = <P>(text: Says<P, string>): Row<P> => ['error', 'suppressed', text];
const partlySuppressed = <P>(text: Says<P, string>): Row<P> => ['warning', 'suppressed', text];
/** Whoever asked could know it. */
const rightlySuppressed = <P>(text: Says<P, string>): Row<P> => ['information', 'suppressed', text];

/** A media type that a payer's profile can name as its FHIR JSON. */
const jsonName = /^application\/(?:[a-z0-9.-]+\+)?json(?:\+[a-z0-9.-]+)?$/;

/** Why a page cannot be read. @param mediaType what the payer declares, if that is why */
const whyUnreadable = (fault: keyof typeof pageFaults, mediaType: string | undefined): string => {
  if (mediaType === undefined) return pageFaults[fault];
  if (mediaType === '') return 'the answer declares no media type';
  return `${pageFaults[fault]}, ${mediaType}${jsonName.test(mediaType) ? "; the payer's profile can name that, as quirks.fhirMediaType" : ''}`;
};

/** What the issue of each kind of problem says. */
const rows: { readonly [K in Kind]: Row<Of<K>> } = {
  pageUnreadable: incomplete(
    ({ type, page, fault, mediaType }) =>
      `Page ${page} of ${type} could not be read: ${whyUnreadable(fault, mediaType)}. Resources may be missing.`,
  ),
  pageNotRead: incomplete(
    ({ type, page, status }) =>
      `Page ${page} of ${type} could not be read: ${answered(status)}. Resources may be missing.`,
  ),
  pagesLoop: incomplete(
    ({ type, page }) => `Page ${page} of ${type} links to a page that was read already, so reading stopped there.`,
  ),
  pagesNothingNew: incomplete(
    ({ type, page }) =>
      `Many pages up to page ${page} of ${type} had nothing new, so reading stopped there. Resources may be missing.`,
  ),
  pagesRepeat: maybeIncomplete(
    ({ type, page }) =>
      `Pages up to page ${page} of ${type} repeat resources, and no total says how many there are. Others may have been skipped.`,
  ),
  pageElsewhere: incomplete(
    ({ type, page, why }) =>
      `Page ${page} of ${type} links to ${elsewhere[why ?? 'unknown']}, which is not read. Resources may be missing.`,
  ),
  pageWithoutUrl: incomplete(
    ({ type, page }) =>
      `Page ${page} of ${type} has a next link without a URL, so reading stopped there. Resources may be missing.`,
  ),
  saidUnreadable: incomplete(({ type, page, file, what }) => {
    return what === 'count'
      ? `The payer's manifest says of file ${file} (${type}) how many lines it has in a form that cannot be read. Some may be missing.`
      : `Page ${page} of ${type} ${saidOfPages[what]}. Resources may be missing.`;
  }),
  pageWithheld: partlySuppressed(
    ({ type, page }) =>
      `Page ${page} of ${type} has the payer's label that something was withheld. Resources may be missing.`,
  ),
  resourceWithheld: partlySuppressed(
    ({ type, id }) => `${named(type, id)} has the payer's label that something was withheld from it.`,
  ),
  resourceDiffers: [
    'warning',
    'conflict',
    ({ type, id, page, file }) =>
      `${type}/${id}${onPage(page, file)} came before with other content. Only the first is in this export.`,
  ],
  totalShrank: maybeIncomplete(
    (problem) =>
      `The payer named ${counted(problem.total, 'resource', 'resources')} of ${problem.type} at first, and ${cameOf(problem)}: they changed while they were read.`,
  ),
  totalShort: incomplete((problem) => {
    const { total, type, read, included = 0, late = 0 } = problem;
    const mayCountAll = included > 0 && total - read - late <= included;
    const hint = mayCountAll
      ? " If its totals count these too, its profile can say so, as wholeRecord.totals: 'meaningless'."
      : '';
    return `The payer named ${counted(total, 'resource', 'resources')} of ${type}, and ${cameOf(problem)}.${hint}`;
  }),
  typeRefused: [
    'error',
    (problem) => (isOfNothing(problem) ? 'not-found' : problem.status === 404 ? 'not-supported' : 'forbidden'),
    refusedText,
  ],
  typeOutOfScope: [
    ({ narrowed }) => (narrowed === true ? 'warning' : 'information'),
    'suppressed',
    ({ type, narrowed }) =>
      narrowed === true
        ? `${type} is not complete: the app lost the scope for it while the export ran.`
        : `${type} is not in this export: the access token's scope does not cover it.`,
  ],
  typeOnlyReferred: maybeIncomplete(
    ({ type, why }) =>
      `${type} is not complete: ${whyOnlyReferred[why]}.${why === 'scopeOfReads' ? '' : ' What other resources refer to or came with is in this export.'}`,
  ),
  typeLimited: partlySuppressed(
    ({ type }) => `${type} is not complete: the payer granted only a part of it, as the access token's scope says.`,
  ),
  typeInPart: maybeIncomplete(
    ({ type, by }) =>
      `${type} is not complete: the gateway searches this payer for a part of it only, by ${by.join(', ')}.`,
  ),
  searchMissed: incomplete(({ type, id }) =>
    id === undefined
      ? `${named(type, id)} came with others only: a search of ${type} ended without it, so that others may be missing.`
      : `${type}/${id} came only because the record refers to it: a search of ${type} had ended without it, so that others may be missing.`,
  ),
  referrersMissing: maybeIncomplete(
    ({ type }) => `${type} may be missing: the record was not read to its end, and what did not come may refer to it.`,
  ),
  provenanceInPart: maybeIncomplete(
    ({ of, why }) =>
      `Provenance is not complete: a search by patient finds those of the Patient only, and ${provenanceFaults[why](of.join(', '))}.`,
  ),
  filterIgnored: [
    'information',
    'informational',
    ({ type }) =>
      `The payer's own link says that it searched ${type} without all that _typeFilter asks for. What came may be beyond that.`,
  ],
  otherBase: [
    'information',
    'informational',
    ({ type }) =>
      `A resource of type ${type} came from another of the payer's servers than the one that has the type, and is left out.`,
  ],
  typeAstray: incomplete(
    ({ type }) => `${type} is not complete: the payer lists it at a base where its profile does not name it.`,
  ),
  patientNotGiven: incomplete(({ ofGroup, member }) => {
    if (member !== undefined)
      return `The Patient of member ${member} did not come: none has the id that the payer gave for the member.`;
    return ofGroup === true ? 'No Patient came of any member.' : "The member's own Patient resource did not come.";
  }),
  typeNotSearched: incomplete(
    ({ type }) => `${type} is not read: no search finds those of a member, and none came by reference.`,
  ),
  typeNotRead: incomplete(({ type, why }) => `${type} is not complete: ${notReadReasons[why]}.`),
  resourceSkipped: [
    'error',
    tooLongOr,
    ({ type, id, page, file, reason }) =>
      `${named(type, id)}${onPage(page, file)} is left out: ${skipReasons[reason]}.`,
  ],
  entrySkipped: [
    'error',
    tooLongOr,
    ({ type, page, file, reason }) =>
      reason === 'noResource'
        ? `An entry${onPage(page, file)} of ${type} has no resource.`
        : `A resource${onPage(page, file)} of ${type} is left out: ${skipReasons[reason]}.`,
  ],
  otherPatient: suppressed(
    ({ type, page, from }) =>
      `A resource of type ${type}${onPage(page)} is left out: it is about another patient${from === 'naming' ? ', and names the member' : ''}.`,
  ),
  unknownPatient: [
    ({ isGuessed }) => (isGuessed === true ? 'information' : 'error'),
    'suppressed',
    (problem) => {
      const guessed =
        problem.isGuessed === true
          ? ' It does not name the member, in answer to a search by a parameter that the payer may not know.'
          : '';
      return `A resource of type ${problem.type}${onPage(problem.page)} is left out: ${whyUnknown(problem)}.${guessed}`;
    },
  ],
  referenceNotRead: maybeIncomplete(referenceText),
  referenceGone: ['warning', 'not-found', referenceText],
  referenceNotAsked: maybeIncomplete(
    ({ type, why = 'form' }) =>
      `Not every ${type === anyResource ? 'resource' : type} that the record refers to was read: ${notAsked[why]}.`,
  ),
  referencesNotRead: incomplete(
    ({ type, count, why }) =>
      `The record refers to ${resources(count)} of type ${type} that ${wasOrWere(count)} not read: ${notReadReasons[why]}.`,
  ),
  referencesNotListed: incomplete(
    ({ type, id }) => `${named(type, id)} refers to more resources than an export reads of one.`,
  ),
  unservedAttachment: [
    'warning',
    'informational',
    ({ type, id, count }) =>
      `${named(type, id)} has ${count === 1 ? 'an attachment' : `${count} attachments`} that the gateway does not serve. Do not send your access token to ${count === 1 ? 'its URL' : 'their URLs'}.`,
  ],
  attachmentNotRead: ['error', ({ why }) => attachmentFaults[why][0], attachmentText],
  attachmentGone: ['warning', 'not-found', attachmentText],
  attachmentWithheld: partlySuppressed(
    (of) => `${attachmentOf(of)} has the payer's label that something was withheld from it.`,
  ),
  attachmentsOutOfScope: [
    ({ narrowed }) => (narrowed === true ? 'warning' : 'information'),
    'suppressed',
    ({ type, narrowed }) =>
      narrowed === true
        ? `Attachments of ${type} are missing: the app lost the scope for Binary while the export ran.`
        : `Attachments of ${type} are not in this export: the access token's scope does not cover Binary.`,
  ],
  attachmentsNotRead: incomplete(
    ({ type, count, why }) =>
      `${counted(count, 'attachment', 'attachments')} of ${type} did not come: ${notReadReasons[why]}.`,
  ),
  moreOfKind: [
    'information',
    'informational',
    ({ type, count }) =>
      `${count} more ${count === 1 ? 'problem' : 'problems'} of this kind with ${type} ${count === 1 ? 'is' : 'are'} not listed.`,
  ],
  payerRemark: [
    ({ severity }) => severity,
    ({ code }) => code,
    (problem) =>
      `The payer put a remark on page ${problem.page} of ${problem.type}: ${problem.severity}, ${problem.code}.${mayBeMissing(problem)}`,
  ],
  planRefused: [
    'error',
    ({ status, fault }) => (fault === undefined ? (status === undefined ? 'timeout' : 'forbidden') : 'invalid'),
    planRefusedText,
  ],
  planUnusable: incomplete(({ why }) => planFaults[why]),
  planNotDone: incomplete(({ why }) => `The payer had not ended its work: ${notReadReasons[why]}.`),
  fileNotRead: [
    'error',
    ({ why }) => fileFaults[why][0],
    ({ type, file, why, status }) =>
      `File ${file} (${type}) did not come whole: ${whyNot(fileFaults[why][1], status)}.`,
  ],
  filesNotRead: incomplete(
    ({ type, count, why }) =>
      `${counted(count, 'file', 'files')} of ${type} ${wasOrWere(count)} not read: ${notReadReasons[why]}.`,
  ),
  fileCount: [
    (problem) => (isMissing(problem) ? 'error' : 'warning'),
    'incomplete',
    ({ type, file, came, said }) =>
      `File ${file} (${type}) has ${counted(came, 'line', 'lines')}, and the payer names ${said}.`,
  ],
  fileLines: [
    (problem) => (isMissing(problem) ? 'error' : 'information'),
    (problem) =>
      isMissing(problem) || problem.why === 'leftOut' || problem.why === 'otherMember' ? 'suppressed' : 'informational',
    ({ type, file, why, count }) =>
      `${resources(count)} of type ${type} in file ${file} ${linesReasons[why][count === 1 ? 0 : 1]}.`,
  ],
  fileRemark: [
    ({ severity }) => severity,
    ({ code }) => code,
    (problem) =>
      `The payer put a remark in file ${problem.file} of its errors: ${problem.severity}, ${problem.code}.${mayBeMissing(problem)}`,
  ],
  deletionLeftOut: suppressed(({ file, count }) =>
    count === undefined
      ? `A line in file ${file} of deletions is left out: it is no list of deletions.`
      : `${counted(count, 'entry', 'entries')} in file ${file} of deletions ${count === 1 ? 'is' : 'are'} left out: not a deletion of a resource of a type that was asked for, by its type and id, or about somebody else.`,
  ),
  memberWithoutRecord: incomplete(({ member }) => `Nothing came about member ${member}.`),
  memberUnchanged: [
    'information',
    'informational',
    ({ member }) => `Nothing came about member ${member}, within the limits that were asked for.`,
  ],
  memberLeftOut: rightlySuppressed(({ member, why, isPart }) => {
    const reason = leftOutReasons[why];
    return isPart === true
      ? `What came later of member ${member} is left out: ${reason} while the export ran.`
      : `Member ${member} is left out: ${reason}.`;
  }),
  groupMissing: incomplete('The payer names no Group of matched members.'),
  groupUnusable: ['error', 'structure', ({ why }) => `A Group of the payer's is left out: ${groupFaults[why]}.`],
  groupTwice: ['error', 'conflict', 'The payer sent two Groups with the same id. Only the first is in this answer.'],
  groupOfTwo: [
    'information',
    'informational',
    'The payer gave a Group an id that it has given to other patients, too. Only the members of your latest match with it can be exported by it, each by name.',
  ],
  groupEntries: suppressed(({ count, why }) => entriesOf(count, why)),
  groupText: rightlySuppressed(
    "Text, names and identifiers in the payer's Groups are left out: whom they are about cannot be checked.",
  ),
  memberAnswer: [
    'error',
    ({ why }) => (why === 'notNamed' ? 'incomplete' : 'conflict'),
    ({ member, why }) => `Member ${member}: ${memberFaults[why]}`,
  ],
};

const issueOf = (problem: Problem): Issue => {
  // The row is that of the problem's kind.
  const [severity, code, text] = rows[problem.kind] as Row<Problem>;
  const said = <T extends string>(says: Says<Problem, T>): T => (typeof says === 'function' ? says(problem) : says);
  return { severity: said(severity), code: said(code), text: said(text) };
};

/**
 * An OperationOutcome (https://hl7.org/fhir/R4/operationoutcome.html), as one line of the error file without its line
 * break.
 */
export const outcomeLine = (problem: Problem): string => {
  const { severity, code, text } = issueOf(problem);
  return JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [{ severity, code, details: { text }, diagnostics: text }],
  });
};

/** Describes a problem in one sentence that partners see. */
export const sentenceOf = (problem: Problem): string => issueOf(problem).text;
