import type { IssueType } from '../../shared/errors.ts';
import {
  anyResource,
  isMissing,
  isOfNothing,
  type AttachmentFault,
  type FileFault,
  type LinesReason,
  type MemberFault,
  type NotReadReason,
  type PlanFault,
  type Problem,
  type Severity,
} from '../reading/problems.ts';

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

const unusable = 'the response is not valid HTTP, its headers are too long, or its content encoding was not requested';

const pageFaults = {
  truncated: 'the answer ended early',
  unusable,
  notJson: 'the answer is not valid JSON',
  mediaType: 'the answer has a media type that is not FHIR JSON',
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
  form: 'something that is not a URL',
  patient: 'a request that is not plainly about this member',
  unknown: "another server, or outside the payer's FHIR base",
} as const;

const whyOnlyReferred = {
  scope: "the access token's scope does not cover a search of it",
  scopeOfReads: "the access token's scope does not cover reading what others refer to",
  payer: 'the payer has no search of it',
} as const;

const notAsked = {
  form: 'one reference is in a form that the gateway cannot request',
  elsewhere: "one is on another server, or on the payer's own by a name that its operator has not configured",
} as const;

/** For each fault of an attachment, the code of its issue and why it did not come. */
const attachmentFaults: Readonly<Record<AttachmentFault, readonly [code: Issue['code'], why: string]>> = {
  form: ['not-supported', "its URL is not that of one Binary of the payer's"],
  refused: ['forbidden', 'the payer refused it'],
  tooLarge: ['too-long', 'it is larger than 150 MB'],
  size: ['invalid', 'its length is not the one that the resource gives'],
  hash: ['invalid', 'its SHA-1 is not the one that the resource gives'],
  page: ['invalid', 'the payer answered with something else in its place, such as a page of HTML'],
  data: ['invalid', "the data of the payer's Binary is not one text in base64"],
  beside: ['invalid', "the rest of the payer's Binary cannot be read, so the gateway cannot tell whose it is"],
  empty: ['incomplete', 'the payer sent nothing in it'],
  withheld: ['suppressed', 'the payer sent nothing in it, and its label says that something was withheld'],
  otherPatient: ['suppressed', 'its security context names another patient, or somebody unknown'],
  slow: ['timeout', 'it did not arrive within five minutes'],
  broken: ['incomplete', 'the payer did not send it to the end'],
  unusable: ['invalid', unusable],
  client: ['forbidden', 'the payer refuses the gateway'],
  tooMany: ['too-costly', 'the record has more attachments than an export fetches'],
};

/** Why nothing can be read of what a payer answers as a former plan. */
const planFaults: Readonly<Record<PlanFault, string>> = {
  noStatusUrl: 'The payer accepted the request, and did not say where to ask for its status.',
  statusElsewhere: "The payer's status is on a server that its profile does not name, so it was not asked.",
  manifest: "The payer's manifest could not be read.",
  tooManyFiles: "The payer's manifest names more files than an exchange reads.",
  moreManifests: "The payer's manifest says that there are more files than it names.",
  links: "The payer's manifest has links that cannot be read, so that there may be more files.",
  client: 'The payer refuses the client of the gateway.',
  nobodyLeft: 'No member of the Group still has a valid consent, so nothing was requested.',
  consentEnded:
    "A member's consent ended before the payer could be asked, so nothing was requested. Send the others again.",
  allEnded: 'Nobody of the Group may be exported any more, so the rest was not read.',
  namesNobody:
    'The payer cannot be asked for single members, and not all of the Group may be asked for. Nothing was asked.',
};

/** For each fault of a file, the code of its issue and why it did not come. */
const fileFaults: Readonly<Record<FileFault, readonly [code: Issue['code'], why: string]>> = {
  elsewhere: ['incomplete', "it is on a server that the payer's profile does not name"],
  refused: ['forbidden', 'the payer refused it'],
  broken: ['incomplete', 'the payer did not send it to the end'],
  unusable: ['invalid', unusable],
  shorter: ['conflict', 'it broke off, and at another try the payer sent fewer lines than had come'],
  slow: ['timeout', 'the payer cannot send it in pieces, and the whole did not come in the time that the gateway has'],
  page: ['invalid', 'the payer answered with something else in its place, such as a page of HTML'],
  tooLarge: ['too-long', 'it is larger than an answer to a match may be'],
};

const patientElsewhere =
  "a patient on another server, or on the payer's own by a name that its operator has not configured";

/** The sentence for one line, and for several. */
const linesReasons: Readonly<Record<LinesReason, readonly [one: string, more: string]>> = {
  stranger: [
    'is left out: it is about a patient who is no member of the Group',
    'are left out: they are about patients who are no members of the Group',
  ],
  hanging: [
    'is left out: it is about a resource of a patient who is no member of the Group',
    'are left out: they are about resources of patients who are no members of the Group',
  ],
  nameless: [
    'is left out: it names no patient, and nothing shows that it is about a member of the Group',
    'are left out: they name no patients, and nothing shows that they are about members of the Group',
  ],
  namelessSince: [
    'is left out: it names no patient, and may be about a member who may not be exported any more',
    'are left out: they name no patients, and may be about members who may not be exported any more',
  ],
  naming: [
    'is left out: it is about a patient who is no member of the Group, and names a member',
    'are left out: they are about patients who are no members of the Group, and name members',
  ],
  otherMember: [
    'is left out: it is about a member of the Group whose record was not asked for',
    'are left out: they are about members of the Group whose records were not asked for',
  ],
  leftOut: [
    'is left out: it is about a member who is left out of this export',
    'are left out: they are about members who are left out of this export',
  ],
  besideLeftOut: [
    'is left out: it names a member, and another who is left out of this export',
    'are left out: they name members, and others who are left out of this export',
  ],
  endedSince: [
    'is left out: whom it is about may not be exported any more',
    'are left out: whom they are about may not be exported any more',
  ],
  besideEnded: [
    'is left out: it names a member, and another who may not be exported any more',
    'are left out: they name members, and others who may not be exported any more',
  ],
  unknown: ['is left out: whom it is about cannot be read', 'are left out: whom they are about cannot be read'],
  elsewhere: [`is left out: it is about ${patientElsewhere}`, `are left out: they are about ${patientElsewhere}`],
  notAsked: ['is left out: the type was not asked for', 'are left out: the type was not asked for'],
  repeated: ['came before, with the same content', 'came before, with the same content'],
  uncompared: [
    'may have come before: there are too many to compare',
    'may have come before: there are too many to compare',
  ],
  older: [
    'is older than the time that was asked for, which the payer may have ignored',
    'are older than the time that was asked for, which the payer may have ignored',
  ],
  newer: [
    'is newer than the end that was asked for, which the payer may have ignored',
    'are newer than the end that was asked for, which the payer may have ignored',
  ],
  beyond: [
    'is not what _typeFilter asks for, which the payer may have ignored',
    'are not what _typeFilter asks for, which the payer may have ignored',
  ],
};

const memberFaults: Readonly<Record<MemberFault, string>> = {
  notNamed: 'The payer does not say what became of it.',
  twoGroups: 'The payer names it in two Groups of different outcomes. It counts as not matched.',
  inactive: 'The payer names it as no longer in the Group. It counts as not matched.',
  twoRecords: 'The payer names two records for it. It counts as not matched.',
  sharedRecord: 'The payer names one record for it and for another member. It counts as not matched.',
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

/** Where a resource came: on a page of a search, or in a file of the payer's. */
const onPage = (page: number | undefined, file?: number): string => {
  if (file !== undefined) return ` in file ${file}`;
  return page === undefined ? '' : ` on page ${page}`;
};

const counted = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`;

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

const groupFaults = {
  code: 'its code is not a match result code',
  id: 'it has no usable id, so that it cannot be exported',
  member: 'its members are not a list',
  lists: 'it has more than 100 identifiers or characteristics',
  tooLarge: 'rebuilt from what was checked, it is larger than 10 MB',
  tooMany: 'the answer has more Groups than a match of 1,000 members needs',
} as const;

const provenanceFaults: Readonly<Record<Of<'provenanceInPart'>['why'], (types: string) => string>> = {
  undeclared: (types) =>
    `the payer does not declare that a search of ${types} brings theirs (_revinclude=Provenance:target)`,
  unread: (types) =>
    `no CapabilityStatement that the gateway could read says whether a search of ${types} brings theirs (_revinclude=Provenance:target)`,
  refused: (types) => `a search of ${types} that brings theirs failed (_revinclude=Provenance:target)`,
  ignored: (types) => `the payer does not say that a search of ${types} brought theirs (_revinclude=Provenance:target)`,
  unfinished: (types) => `a search of ${types} that brings theirs did not end`,
  missed: (types) => `a search of ${types} that brings theirs did not find all`,
  limited: (types) => `the payer granted only a part of ${types}`,
  part: (types) => `the gateway searches this payer for a part of ${types} only`,
  scope: (types) => `the access token's scope does not cover a search of ${types}, which brings theirs`,
  alone: () => 'no other type was asked for whose search brings them',
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
  code: Says<P, Issue['code']>,
  /** One sentence that partners see. */
  text: Says<P, string>,
];

const resources = (count: number): string => counted(count, 'resource', 'resources');
const wasOrWere = (count: number): string => (count === 1 ? 'was' : 'were');

/** Why something did not come, with the payer's status if that is known. */
const whyNot = (why: string, status: number | undefined): string =>
  status === undefined ? why : `${why} with status ${status}`;

const mayBeMissing = (problem: Problem): string => (isMissing(problem) ? ' Resources may be missing.' : '');

const tooLongOr = ({ reason }: { readonly reason: keyof typeof skipReasons }): Issue['code'] =>
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
    if (what === 'nexts')
      return `Page ${page} of ${type} links to two different next pages, of which one was read. Resources may be missing.`;
    return page === undefined
      ? `The payer's manifest says of file ${file} (${type}) how many lines it has in a form that cannot be read. Some may be missing.`
      : `Page ${page} of ${type} has ${what === 'links' ? 'links' : 'a total'} that cannot be read. Resources may be missing.`;
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
  typeAstray: incomplete(
    ({ type }) => `${type} is not complete: the payer lists it at a base where its profile does not name it.`,
  ),
  patientNotGiven: incomplete(({ ofGroup }) =>
    ofGroup === true ? 'No Patient came of any member.' : "The member's own Patient resource did not come.",
  ),
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
  attachmentsOutOfScope: rightlySuppressed(
    ({ type }) => `Attachments of ${type} are not in this export: the access token's scope does not cover Binary.`,
  ),
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
  deletionLeftOut: suppressed(
    ({ file }) =>
      `A line in file ${file} of deletions is left out: it is no list of deletions, or is about somebody else.`,
  ),
  memberWithoutRecord: incomplete(({ member }) => `Nothing came about member ${member}.`),
  memberUnchanged: [
    'information',
    'informational',
    ({ member }) => `Nothing came about member ${member}, within the limits that were asked for.`,
  ],
  memberLeftOut: rightlySuppressed(({ member, why, isPart }) => {
    const reason = why === 'ended' ? 'the exchange was ended for this member' : 'the consent has ended';
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
    'The payer gave a Group the id that another match of yours has for others. Only the members of the later match can be exported by it.',
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
