import type { IssueType } from '../../shared/errors.ts';
import { isMissing, type AttachmentFault, type NotReadReason, type Problem, type Severity } from './problems.ts';

/** The content of one OperationOutcome in the error file. */
interface Issue {
  readonly severity: Severity;
  readonly code: IssueType | 'incomplete' | 'informational' | 'not-found' | (string & {});
  /** One sentence that partners see. */
  readonly text: string;
}

const skipReasons = {
  tooLarge: 'it is larger than 10 MB, where clients stop reading a line',
  tooDeep: 'it is nested deeper than any FHIR resource needs',
  tooMany: 'it has more elements than any FHIR resource needs',
  notJson: 'it is not valid JSON',
  repeatedKey: 'it has the same member twice, so that its meaning is not certain',
  notResource: 'it is not a FHIR resource',
  noResource: 'its entry has no resource',
  notFhir: 'its type is not one of FHIR R4',
} as const;

const pageFaults = {
  truncated: 'the answer ended early',
  notJson: 'the answer is not valid JSON',
  notUtf8: 'the answer is not in UTF-8',
  notBundle: 'the answer is not a Bundle',
  notList: 'its entries are not a list',
  linksTooLong: 'its links are too long',
  repeatedKey: 'the Bundle has the same member twice',
  tooLarge: 'the page is larger than 2 GB',
  tooManyEntries: 'the page has more than a million entries',
  tooManyMembers: 'the Bundle has more than a thousand members',
} as const;

const notReadReasons: Readonly<Record<NotReadReason, string>> = {
  pages: 'the record has more pages than an export reads',
  resources: 'the record has more resources than an export reads',
  bytes: 'the record is larger than an export reads',
  references: 'the record refers to more resources than an export reads',
  seconds: 'the export took longer than it may',
  longWait: 'the payer asked for a longer wait than the export has time for',
  grantEnded: "the member's permission ended",
  tokenNotRenewed: "the payer's access token ended, and no poll renewed it within a day",
  tokenRefused: 'the payer refuses the access tokens that it has just issued',
  partnerBlocked: 'the app was stopped',
  partnerRemoved: 'the app may no longer read from this payer',
  payerBlocked: 'the payer was stopped',
  payerRemoved: 'the payer was removed',
  payerDown: 'the payer did not answer',
  scopeNarrowed: 'the app lost the scope for reading every type while the export ran',
};

const elsewhere = {
  server: 'another server',
  path: "a path outside the payer's FHIR base",
  form: 'what is no URL',
  patient: 'a request that is not plainly about this member',
  unknown: "another server, or outside the payer's FHIR base",
} as const;

const notAsked = {
  form: 'one is named in a form that cannot be asked for',
  elsewhere: "one is on another server, or on the payer's own by a name that its operator has not configured",
} as const;

/** For each fault of an attachment, the code of its issue and why it did not come. */
const attachmentFaults: Readonly<Record<AttachmentFault, readonly [code: Issue['code'], why: string]>> = {
  refused: ['forbidden', 'the payer refused it'],
  tooLarge: ['too-long', 'it is larger than 150 MB'],
  size: ['invalid', 'its length is not the one that the resource gives'],
  hash: ['invalid', 'its SHA-1 is not the one that the resource gives'],
  page: ['invalid', 'the payer answered with something else in its place, such as a page of HTML'],
  otherPatient: ['suppressed', 'its security context names another patient, or somebody unknown'],
  slow: ['timeout', 'it did not arrive within five minutes'],
  broken: ['incomplete', 'the payer did not send it to the end'],
  tooMany: ['too-costly', 'the record has more attachments than an export fetches'],
};

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

const onPage = (page: number | undefined): string => (page === undefined ? '' : ` on page ${page}`);

const issueOf = (problem: Problem): Issue => {
  switch (problem.kind) {
    case 'pageUnreadable':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `Page ${problem.page} of ${problem.type} could not be read: ${pageFaults[problem.fault]}. Resources are missing.`,
      };
    case 'pageNotRead':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `Page ${problem.page} of ${problem.type} could not be read: ${answered(problem.status)}. Resources are missing.`,
      };
    case 'pagesLoop':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `Page ${problem.page} of ${problem.type} links to a page that was read already, so reading stopped there.`,
      };
    case 'pagesNothingNew':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `Many pages up to page ${problem.page} of ${problem.type} had nothing new, so reading stopped there. Resources may be missing.`,
      };
    case 'pagesRepeat':
      return {
        severity: 'warning',
        code: 'incomplete',
        text: `Pages up to page ${problem.page} of ${problem.type} repeat resources, and no total says how many there are. Others may have been skipped.`,
      };
    case 'pageElsewhere':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `Page ${problem.page} of ${problem.type} links to ${elsewhere[problem.why ?? 'unknown']}, which is not read. Resources may be missing.`,
      };
    case 'pageWithoutUrl':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `Page ${problem.page} of ${problem.type} has a next link without a URL, so reading stopped there. Resources may be missing.`,
      };
    case 'pageWithheld':
      return {
        severity: 'warning',
        code: 'suppressed',
        text: `Page ${problem.page} of ${problem.type} has the payer's label that something was withheld. Resources may be missing.`,
      };
    case 'resourceWithheld':
      return {
        severity: 'warning',
        code: 'suppressed',
        text: `${named(problem.type, problem.id)} has the payer's label that something was withheld from it.`,
      };
    case 'resourceDiffers':
      return {
        severity: 'warning',
        code: 'conflict',
        text: `${problem.type}/${problem.id}${onPage(problem.page)} came before with other content. Only the first is in this export.`,
      };
    case 'totalShrank':
      return {
        severity: 'warning',
        code: 'incomplete',
        text: `The payer named ${problem.total} resources of ${problem.type} at first and ${cameOf(problem)}: they changed while they were read.`,
      };
    case 'totalShort':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `The payer named ${problem.total} resources of ${problem.type}, and ${cameOf(problem)}.`,
      };
    case 'typeRefused':
      return {
        severity: 'error',
        code: problem.status === 404 ? 'not-supported' : 'forbidden',
        text: `The payer refused ${problem.type} with status ${problem.status}.`,
      };
    case 'typeOutOfScope':
      return problem.narrowed === true
        ? {
            severity: 'warning',
            code: 'suppressed',
            text: `${problem.type} is not complete: the app lost the scope for it while the export ran.`,
          }
        : {
            severity: 'information',
            code: 'suppressed',
            text: `${problem.type} is not in this export: the access token's scope does not cover it.`,
          };
    case 'typeOnlyReferred':
      return {
        severity: 'warning',
        code: 'incomplete',
        text: `${problem.type} is not complete: ${problem.why === 'scope' ? "the access token's scope does not cover a search of it" : 'the payer has no search of it'}. What other resources refer to or came with is in this export.`,
      };
    case 'typeLimited':
      return {
        severity: 'warning',
        code: 'suppressed',
        text: `${problem.type} is not complete: the payer granted only a part of it, as the access token's scope says.`,
      };
    case 'typeInPart':
      return {
        severity: 'warning',
        code: 'incomplete',
        text: `${problem.type} is not complete: the gateway searches this payer for a part of it only, by ${problem.by.join(', ')}.`,
      };
    case 'patientNotGiven':
      return {
        severity: 'error',
        code: 'incomplete',
        text: "The member's own Patient resource did not come.",
      };
    case 'typeNotSearched':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `${problem.type} is not read: no search finds those of a member, and none came by reference.`,
      };
    case 'typeNotRead':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `${problem.type} is not complete: ${notReadReasons[problem.why]}.`,
      };
    case 'resourceSkipped':
      return {
        severity: 'error',
        code: problem.reason === 'tooLarge' ? 'too-long' : 'structure',
        text: `${named(problem.type, problem.id)}${onPage(problem.page)} is left out: ${skipReasons[problem.reason]}.`,
      };
    case 'entrySkipped':
      return {
        severity: 'error',
        code: problem.reason === 'tooLarge' ? 'too-long' : 'structure',
        text: `A resource${problem.page === undefined ? '' : ` on page ${problem.page}`} of ${problem.type} is left out: ${skipReasons[problem.reason]}.`,
      };
    case 'otherPatient':
      return {
        severity: 'error',
        code: 'suppressed',
        text: `A resource of type ${problem.type}${onPage(problem.page)} is left out: it is about another patient${problem.from === 'naming' ? ', and names the member' : ''}.`,
      };
    case 'unknownPatient':
      return {
        severity: 'error',
        code: 'suppressed',
        text: `A resource of type ${problem.type}${onPage(problem.page)} is left out: whom it is about cannot be read.`,
      };
    case 'referenceNotRead':
    case 'referenceGone':
      return {
        severity: 'warning',
        code: problem.kind === 'referenceGone' ? 'not-found' : 'incomplete',
        text: `${problem.type}/${problem.id}, which the record refers to, could not be read: ${answered(problem.status)}.`,
      };
    case 'referenceNotAsked':
      return {
        severity: 'warning',
        code: 'incomplete',
        text: `Not every ${problem.type} that the record refers to was read: ${notAsked[problem.why ?? 'form']}.`,
      };
    case 'referencesNotRead':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `The record refers to ${problem.count} ${problem.count === 1 ? 'resource' : 'resources'} of type ${problem.type} that ${problem.count === 1 ? 'was' : 'were'} not read: ${notReadReasons[problem.why]}.`,
      };
    case 'referencesNotListed':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `${named(problem.type, problem.id)} refers to more resources than an export reads of one.`,
      };
    case 'unservedAttachment':
      return {
        severity: 'warning',
        code: 'informational',
        text: `${named(problem.type, problem.id)} has ${problem.count === 1 ? 'an attachment' : `${problem.count} attachments`} that the gateway does not serve. Do not send your access token to ${problem.count === 1 ? 'its URL' : 'their URLs'}.`,
      };
    case 'attachmentNotRead':
    case 'attachmentGone': {
      const [code, why] = attachmentFaults[problem.why];
      const status = problem.status === undefined ? '' : ` with status ${problem.status}`;
      return {
        severity: problem.kind === 'attachmentGone' ? 'warning' : 'error',
        code: problem.kind === 'attachmentGone' ? 'not-found' : code,
        text: `An attachment of ${problem.id === undefined ? `a resource of type ${problem.type}` : named(problem.type, problem.id)} did not come: ${why}${status}.`,
      };
    }
    case 'attachmentsOutOfScope':
      return {
        severity: 'information',
        code: 'suppressed',
        text: `Attachments of ${problem.type} are not in this export: the access token's scope does not cover Binary.`,
      };
    case 'attachmentsNotRead':
      return {
        severity: 'error',
        code: 'incomplete',
        text: `${problem.count} ${problem.count === 1 ? 'attachment' : 'attachments'} of ${problem.type} did not come: ${notReadReasons[problem.why]}.`,
      };
    case 'moreOfKind':
      return {
        severity: 'information',
        code: 'informational',
        text: `${problem.count} more ${problem.count === 1 ? 'problem' : 'problems'} of this kind with ${problem.type} ${problem.count === 1 ? 'is' : 'are'} not listed.`,
      };
    case 'payerRemark':
      return {
        severity: problem.severity,
        code: problem.code,
        text: `The payer put a remark on page ${problem.page} of ${problem.type}: ${problem.severity}, ${problem.code}.${isMissing(problem) ? ' Resources may be missing.' : ''}`,
      };
  }
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
