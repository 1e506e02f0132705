/**
 * Why something did not come, or cannot be used, in the words of the sentences that partners see. What an issue says as a whole is in
 * `outcomes.ts`.
 */
import type { IssueType } from '../../shared/errors.ts';
import type {
  AttachmentFault,
  FileFault,
  LinesReason,
  MemberFault,
  NotReadReason,
  PlanFault,
  Problem,
} from '../reading/problems.ts';

/** The code of an issue in the error file. */
export type IssueCode = IssueType | 'incomplete' | 'informational' | 'not-found' | (string & {});

export const skipReasons = {
  tooLarge: 'it is larger than 10 MB, where clients stop reading a line',
  tooDeep: 'it is nested deeper than any FHIR resource needs',
  tooMany: 'it has more elements than any FHIR resource needs',
  notJson: 'it is not valid JSON',
  repeatedKey: 'it has the same member twice, so that its meaning is not certain',
  notResource: 'it is not a FHIR resource',
  noResource: 'its entry has no resource',
  notFhir: 'its type is not one of FHIR R4',
  holder: 'it is a Bundle or Parameters in place of the resources that were searched, which it may hold',
} as const;

export const unusable =
  'the response is not valid HTTP, its headers are too long, or its content encoding was not requested';

export const pageFaults = {
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

/** What a page says of itself, because of which resources may be missing. */
export const saidOfPages = {
  links: 'has links that cannot be read',
  nexts: 'links to two different next pages, of which one was read',
  total: 'has a total that cannot be read',
  last: 'links to a last page that was not read, and to no next',
  type: 'is a Bundle of a type that does not answer a search',
  member: 'has a member that a Bundle of FHIR R4 does not have, and that may hold more',
  long: 'has a member that is too long to be read',
  header: 'has a count in its HTTP headers that cannot be read, or is more than came',
  warning: 'has a warning in its HTTP headers',
} as const;

export const notReadReasons: Readonly<Record<NotReadReason, string>> = {
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

export const elsewhere = {
  server: 'another server',
  path: "a path outside the payer's FHIR base",
  form: 'something that is not a URL',
  patient: 'a request that is not plainly about this member',
  unknown: "another server, or outside the payer's FHIR base",
} as const;

export const whyOnlyReferred = {
  scope: "the access token's scope does not cover a search of it",
  scopeOfReads: "the access token's scope does not cover reading what others refer to",
  payer: 'the payer has no search of it',
} as const;

export const notAsked = {
  form: 'one reference is in a form that the gateway cannot request',
  elsewhere: "one is on another server, or on the payer's own by a name that its operator has not configured",
} as const;

/** For each fault of an attachment, the code of its issue and why it did not come. */
export const attachmentFaults: Readonly<Record<AttachmentFault, readonly [code: IssueCode, why: string]>> = {
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
export const planFaults: Readonly<Record<PlanFault, string>> = {
  noStatusUrl: 'The payer accepted the request, and did not say where to ask for its status.',
  statusElsewhere: "The payer's status is on a server that its profile does not name, so it was not asked.",
  manifest: "The payer's manifest could not be read.",
  tooManyFiles: "The payer's manifest names more files than an exchange reads.",
  moreManifests: "The payer's manifest says that there are more files than it names.",
  links: "The payer's manifest has links that cannot be read, so that there may be more files.",
  members:
    "The payer's manifest has a list or a URL that Bulk Data Access does not have there, so that there may be more files.",
  client: 'The payer refuses the client of the gateway.',
  nobodyLeft: 'No member of the Group may be exported any more, so nothing was requested.',
  consentEnded:
    "A member's consent ended before the payer could be asked, so nothing was requested. Send the others again.",
  allEnded: 'Nobody of the Group may be exported any more, so the rest was not read.',
  namesNobody:
    'The payer cannot be asked for single members, and not all of the Group may be asked for. Nothing was asked.',
};

/** For each fault of a file, the code of its issue and why it did not come. */
export const fileFaults: Readonly<Record<FileFault, readonly [code: IssueCode, why: string]>> = {
  elsewhere: ['incomplete', "it is on a server that the payer's profile does not name"],
  refused: ['forbidden', 'the payer refused it'],
  broken: ['incomplete', 'the payer did not send it to the end'],
  unusable: ['invalid', unusable],
  shorter: ['conflict', 'it broke off, and at another try the payer sent fewer lines than had come'],
  slow: ['timeout', 'the payer cannot send it in pieces, and the whole did not come in the time that the gateway has'],
  page: ['invalid', 'the payer answered with something else in its place, such as a page of HTML'],
  tooLarge: ['too-long', 'it is larger than an answer to a match may be'],
};

export const patientElsewhere =
  "a patient on another server, or on the payer's own by a name that its operator has not configured";

/** The sentence for one line, and for several. */
export const linesReasons: Readonly<Record<LinesReason, readonly [one: string, more: string]>> = {
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
  othersSince: [
    "names no patient, and was passed on before it was known that the payer's Group may have others",
    "name no patients, and were passed on before it was known that the payer's Group may have others",
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

export const memberFaults: Readonly<Record<MemberFault, string>> = {
  notNamed: 'The payer does not say what became of it.',
  twoOutcomes: 'The payer names different outcomes for it. It counts as not matched.',
  inactive: 'The payer names it as no longer in the Group. It counts as not matched.',
  modified:
    'The payer says by rules or an extension that its answer means something else than usual. It counts as not matched.',
  notNow: 'Its period in the Group of the payer does not include now, or cannot be read. It counts as not matched.',
  notPersons: 'The Group of the payer is not a list of real persons. It counts as not matched.',
  fewer: 'The Group of the payer has fewer members than it names. It counts as not matched.',
  twoRecords: 'The payer names two records for it. It counts as not matched.',
  sharedRecord: 'The payer names one record for it and for another member. It counts as not matched.',
};

export const groupFaults = {
  code: 'its code is not a match result code',
  contradiction: 'its codes, or a code and its name, contradict each other',
  id: 'it has no usable id, so that it cannot be exported',
  member: 'its members are not a list',
  lists: 'it has more than 100 identifiers or characteristics',
  tooLarge: 'rebuilt from what was checked, it is larger than 10 MB',
  tooMany: 'the answer has more Groups than a match of 1,000 members needs',
} as const;

export const provenanceFaults: Readonly<
  Record<Extract<Problem, { kind: 'provenanceInPart' }>['why'], (types: string) => string>
> = {
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
