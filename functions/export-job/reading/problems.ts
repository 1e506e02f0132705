import type { WhyLeftOut } from '../../shared/exchanges/group.ts';
import { codesOfLack } from '../../shared/fhir/said.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { Bound, ElsewhereReason } from './next-page.ts';
import type { SkipReason } from './page-resource.ts';
import type { Odd } from './split-bundle.ts';
import type { PageFault } from './unreadable-page.ts';

/** R4's abstract type, used when the type is unknown. */
export const anyResource = 'Resource';

/**
 * Something that is missing or unusual in a record. It is plain data, since the job's state stores it. It names types,
 * page numbers and resource ids; never a query, and nothing about another member.
 */
export type Problem =
  /** @property mediaType what the payer declares, if that is why */
  | {
      readonly kind: 'pageUnreadable';
      readonly type: string;
      readonly page: number;
      readonly fault: PageFault;
      readonly mediaType?: string;
    }
  /** @property status the payer's HTTP status; absent if it did not answer at all */
  | { readonly kind: 'pageNotRead'; readonly type: string; readonly page: number; readonly status?: number }
  | { readonly kind: 'pagesLoop'; readonly type: string; readonly page: number }
  | { readonly kind: 'pagesNothingNew'; readonly type: string; readonly page: number }
  /** Pages of a search bring what earlier ones brought, and no total shows whether all came. */
  | { readonly kind: 'pagesRepeat'; readonly type: string; readonly page: number }
  /** @property why absent in an export that version 0.2 began: another server, or outside the payer's bases */
  | { readonly kind: 'pageElsewhere'; readonly type: string; readonly page: number; readonly why?: ElsewhereReason }
  | { readonly kind: 'pageWithoutUrl'; readonly type: string; readonly page: number }
  /**
   * A page, or the manifest's entry of a file, says something of itself that cannot be read, or names two next pages, or a last page or a count
   * beyond what came.
   */
  | {
      readonly kind: 'saidUnreadable';
      readonly type: string;
      readonly page?: number;
      readonly file?: number;
      readonly what: 'links' | 'nexts' | 'total' | 'count' | 'last' | Odd;
    }
  /** The payer labels a page as one from which it withheld something. */
  | { readonly kind: 'pageWithheld'; readonly type: string; readonly page: number }
  /** The same of one resource, which is in the record as the payer gave it. */
  | { readonly kind: 'resourceWithheld'; readonly type: string; readonly id: string | undefined }
  /** Two resources of one type and id differ, in more than their meta. The first is in the record. */
  | {
      readonly kind: 'resourceDiffers';
      readonly type: string;
      readonly id: string;
      readonly page?: number;
      readonly file?: number;
    }
  | {
      readonly kind: 'totalShrank' | 'totalShort';
      readonly type: string;
      readonly total: number;
      readonly read: number;
      /** How many more came that the payer marks as included. */
      readonly included?: number;
      /** How many more came that changed after the end that was asked for. */
      readonly late?: number;
    }
  /**
   * @property saysNone the payer may mean that it has none, and does if it gives something of the member's
   * @property isAbsent the payer may mean that it does not have the type, and does if it answers anything at all. At the end it is set only if it does not.
   * @property isOfForm the payer says with 200 that it does not take such a search, and not that it keeps anything back
   */
  | {
      readonly kind: 'typeRefused';
      readonly type: string;
      readonly status: number;
      readonly saysNone?: true;
      readonly isAbsent?: true;
      readonly isOfForm?: true;
    }
  /** @property narrowed whether the scope covered it at the kick-off, so that some of it may be in the record */
  | { readonly kind: 'typeOutOfScope'; readonly type: string; readonly narrowed?: boolean }
  /** Some of the type came by reference or with other resources, but no search of its own was read to its end. */
  | { readonly kind: 'typeOnlyReferred'; readonly type: string; readonly why: 'scope' | 'scopeOfReads' | 'payer' }
  /** The payer granted only a part of the type: its scope has a filter. */
  | { readonly kind: 'typeLimited'; readonly type: string }
  /** The payer's profile has searches of only a part of the type. @property by the parameters that limit each */
  | { readonly kind: 'typeInPart'; readonly type: string; readonly by: readonly string[] }
  /**
   * One of the member's came by a reference only, or with others, though a search of the whole type ended without it.
   * @property id absent if it came with others
   */
  | { readonly kind: 'searchMissed'; readonly type: string; readonly id?: string }
  /** No search finds this type, and none came; resources that did not come may refer to some. */
  | { readonly kind: 'referrersMissing'; readonly type: string }
  /**
   * The Provenances of these types' resources may be missing: the payer does not declare the searches that bring them, refused them, did
   * not answer them to their ends, answered without saying that it heeded what was asked, left resources out of them (`missed`), or granted
   * only a part of the types (`limited`); or its profile searches only a part of them (`part`); or the scope does not cover these searches; or
   * only Provenances were asked for (`alone`).
   */
  | {
      readonly kind: 'provenanceInPart';
      readonly type: 'Provenance';
      readonly of: readonly string[];
      readonly why:
        | 'undeclared'
        | 'unread'
        | 'refused'
        | 'ignored'
        | 'unfinished'
        | 'missed'
        | 'limited'
        | 'part'
        | 'scope'
        | 'alone';
    }
  /** The payer says that it searched the type without what was asked of it: what came may be beyond that. */
  | { readonly kind: 'filterIgnored'; readonly type: string }
  /** Resources of the type came from another base of the payer's than the one that has the type. Reported once. */
  | { readonly kind: 'otherBase'; readonly type: string }
  /** A further base of the payer's declares the type, and the profile does not name it there. */
  | { readonly kind: 'typeAstray'; readonly type: string }
  /** The export should have the member's Patient, or those of a Group, and has none. */
  | { readonly kind: 'patientNotGiven'; readonly type: 'Patient'; readonly ofGroup?: true; readonly member?: string }
  /** No search finds the resources of this type that belong to a member, and no reference brought one. */
  | { readonly kind: 'typeNotSearched'; readonly type: string }
  | { readonly kind: 'typeNotRead'; readonly type: string; readonly why: NotReadReason }
  | {
      readonly kind: 'resourceSkipped';
      readonly reason: SkipReason;
      readonly page?: number;
      readonly file?: number;
      readonly type: string;
      readonly id?: string;
    }
  /** As before, if the resource's own type is unknown or not one of FHIR. `type` is that of the request. */
  | {
      readonly kind: 'entrySkipped';
      readonly reason: SkipReason | 'notFhir' | 'holder';
      readonly page?: number;
      readonly file?: number;
      readonly type: string;
    }
  /**
   * A resource about someone who cannot be compared with the member.
   * @property isEarly it came before the Patient that tells the member's other ids
   * @property isWithoutId it is a Patient that has no id
   * @property isNameless it names no patient, and nothing shows whose it is
   * @property isGuessed it came in answer to a search by a parameter that the payer may not know, and does not name the member
   */
  | {
      readonly kind: 'unknownPatient';
      readonly type: string;
      readonly page?: number;
      readonly isElsewhere?: true;
      readonly isWithoutId?: true;
      readonly isEarly?: true;
      readonly isNameless?: true;
      readonly isGuessed?: true;
    }
  /**
   * A resource about another patient.
   * @property from absent if it only came along: the answer to a search for the member's, or the resource names the member
   */
  | {
      readonly kind: 'otherPatient';
      readonly type: string;
      readonly page?: number;
      readonly from?: 'search' | 'naming';
    }
  /**
   * A resource that the record refers to could not be read, or the payer does not have it.
   * @property status 200 if the payer sent another resource; absent, as `fault` is, if it did not answer at all
   * @property fault why its answer cannot be read
   */
  | {
      readonly kind: 'referenceNotRead' | 'referenceGone';
      readonly type: string;
      readonly id: string;
      readonly status?: number;
      readonly fault?: PageFault;
      /** The payer sent a Binary's content in place of the resource. */
      readonly isContent?: true;
    }
  /** Resources that the record refers to, and whose turn never came. */
  | { readonly kind: 'referencesNotRead'; readonly type: string; readonly count: number; readonly why: NotReadReason }
  /** A resource has more references than are read of one. */
  | { readonly kind: 'referencesNotListed'; readonly type: string; readonly id: string | undefined }
  /**
   * The record refers to resources in a form that cannot be requested, or on another server. Reported once per type;
   * {@link anyResource} if nothing says which type.
   * @property why absent in an export that version 0.2 began: its form
   */
  | { readonly kind: 'referenceNotAsked'; readonly type: string; readonly why?: 'form' | 'elsewhere' }
  /** The URL of an attachment is not below the facade. */
  | { readonly kind: 'unservedAttachment'; readonly type: string; readonly id?: string; readonly count: number }
  /**
   * An attachment on the payer's server did not come, or the payer does not have it.
   * @property status the payer's HTTP status, if it refused
   * @property isUnserved whether the gateway does not serve the URL that the resource has for it, either
   */
  | {
      readonly kind: 'attachmentNotRead' | 'attachmentGone';
      readonly type: string;
      readonly id: string | undefined;
      readonly why: AttachmentFault;
      readonly status?: number;
      readonly isUnserved?: true;
    }
  /** An attachment of this resource came in a Binary with the payer's label that something was withheld from it. */
  | { readonly kind: 'attachmentWithheld'; readonly type: string; readonly id: string | undefined }
  /**
   * Resources of this type have Binaries of the payer's as attachments, which the scope does not cover. Reported once.
   * @property narrowed whether it covered them at the kick-off
   */
  | { readonly kind: 'attachmentsOutOfScope'; readonly type: string; readonly narrowed?: true }
  /** Attachments of resources of this type, whose turn never came. */
  | { readonly kind: 'attachmentsNotRead'; readonly type: string; readonly count: number; readonly why: NotReadReason }
  /** How many more problems there were of a kind, after the ones that are listed. */
  | { readonly kind: 'moreOfKind'; readonly type: string; readonly count: number }
  /** The payer's remark on its own answer. Only the codes are kept, since the text may contain anything. */
  | {
      readonly kind: 'payerRemark';
      readonly type: string;
      readonly page: number;
      readonly severity: Severity;
      readonly code: string;
    }
  | ExchangeProblem;

/** What can be missing or unusual in an exchange. Files have numbers, members the ids under which they were submitted. */
type ExchangeProblem =
  /** The payer refused the request, or ended it. Without `status` and `fault`, it did not answer at all. */
  | {
      readonly kind: 'planRefused';
      readonly type: string;
      readonly step: 'ask' | 'poll';
      readonly status?: number;
      readonly fault?: 'unusable';
    }
  /** The payer's answer cannot be used, or no request is possible. */
  | { readonly kind: 'planUnusable'; readonly type: string; readonly why: PlanFault }
  /** The exchange ended before its files were known. */
  | { readonly kind: 'planNotDone'; readonly type: string; readonly why: NotReadReason }
  /** A file of the payer's, or what is left of it, did not come. */
  | {
      readonly kind: 'fileNotRead';
      readonly type: string;
      readonly file: number;
      readonly why: FileFault;
      readonly status?: number;
    }
  /** Files of the payer that were never requested. */
  | { readonly kind: 'filesNotRead'; readonly type: string; readonly count: number; readonly why: NotReadReason }
  /** A file has more or fewer lines than the payer says. */
  | {
      readonly kind: 'fileCount';
      readonly type: string;
      readonly file: number;
      readonly said: number;
      readonly came: number;
    }
  /** Lines of one type in a file that are reported together. */
  | {
      readonly kind: 'fileLines';
      readonly type: string;
      readonly file: number;
      readonly why: LinesReason;
      readonly count: number;
    }
  /** The payer's remark in one of its error files, or among the resources. Only the codes are kept. */
  | {
      readonly kind: 'fileRemark';
      readonly type: string;
      readonly file: number;
      readonly severity: Severity;
      readonly code: string;
    }
  /** A line in a file of deletions that is not a list of deletions, or that many of its entries are not. */
  | { readonly kind: 'deletionLeftOut'; readonly type: string; readonly file: number; readonly count?: number }
  /** A member of the Group of whom nothing came, or who was left out from the start. */
  | { readonly kind: 'memberWithoutRecord' | 'memberUnchanged'; readonly type: string; readonly member: string }
  | {
      readonly kind: 'memberLeftOut';
      readonly type: string;
      readonly member: string;
      readonly why: WhyLeftOut;
      /** Some of the member's resources had come before. */
      readonly isPart?: true;
    }
  /** The payer names no Group of matched members. */
  | { readonly kind: 'groupMissing'; readonly type: 'Group' }
  /** A Group that cannot be used. */
  | {
      readonly kind: 'groupUnusable';
      readonly type: 'Group';
      readonly why: 'code' | 'contradiction' | 'id' | 'member' | 'lists' | 'tooLarge' | 'tooMany';
    }
  /** The answer of a match has two Groups with the same id. */
  | { readonly kind: 'groupTwice'; readonly type: 'Group' }
  /** A Group has the id that another match has for a Group of others. */
  | { readonly kind: 'groupOfTwo'; readonly type: 'Group' }
  /** Entries of a Group that name nobody who was submitted, or in no form that can be read; or contained resources of no entry. */
  | {
      readonly kind: 'groupEntries';
      readonly type: 'Group';
      readonly why: 'stranger' | 'form' | 'extra';
      readonly count: number;
    }
  /** Text of Groups, and what else in them may be about anybody, is left out. */
  | { readonly kind: 'groupText'; readonly type: 'Group' }
  /** What the payer says of a submitted member: nothing, two things, or the record of another one. */
  | { readonly kind: 'memberAnswer'; readonly type: 'Group'; readonly member: string; readonly why: MemberFault };

/** Why nothing can be read of what a payer answers as a former plan. */
export type PlanFault =
  /** It accepted the request, but gave no status URL. */
  | 'noStatusUrl'
  | 'statusElsewhere'
  | 'manifest'
  | 'tooManyFiles'
  /** There are more files than its manifest names. */
  | 'moreManifests'
  /** Its manifest has links that cannot be read. */
  | 'links'
  /** Its manifest has a member that Bulk Data does not define and that may list more files. */
  | 'members'
  /** It rejects the gateway's client credentials. */
  | 'client'
  /** No member of the Group may be exported any more. */
  | 'nobodyLeft'
  /** A consent has ended since the partner asked for the match. */
  | 'consentEnded'
  /** The same, while the export ran. */
  | 'allEnded'
  /** It takes only GET, which cannot name single members. */
  | 'namesNobody';

/** Why a file of the payer's did not come. */
export type FileFault =
  | 'elsewhere'
  | 'refused'
  | 'broken'
  /** The response is not valid HTTP, or has what was not asked for. */
  | 'unusable'
  /** It broke off, and the next try had fewer lines than had already come. */
  | 'shorter'
  /** It cannot be read in pieces, and the whole takes too long. */
  | 'slow'
  /** Something else came instead, such as an HTML page. */
  | 'page'
  | 'tooLarge';

/**
 * Why lines of a file are left out: `naming` if they are about another patient and name a member, `hanging` if they are about another
 * patient's resource, `nameless` if they name no patient and nothing shows whose they are, `namelessSince` if they name none and came after a member was lost, `endedSince` if they waited while a member was lost. Or what is unusual about lines that are kept: `othersSince` name no patient and came before it was known that the payer's Group may have others, `older` and `newer` are outside the times that were asked for,
 * `beyond` are not found by the filters of their type, and `uncompared` come after too many to know which ones came before.
 */
export type LinesReason =
  | 'stranger'
  | 'naming'
  | 'hanging'
  | 'nameless'
  | 'namelessSince'
  | 'othersSince'
  | 'leftOut'
  | 'besideLeftOut'
  | 'endedSince'
  | 'besideEnded'
  | 'otherMember'
  | 'unknown'
  | 'elsewhere'
  | 'notAsked'
  | 'repeated'
  | 'uncompared'
  | 'older'
  | 'newer'
  | 'beyond';

/** What is wrong with what a match says of a member. */
export type MemberFault =
  | 'notNamed'
  | 'twoOutcomes'
  | 'inactive'
  /** An extension or rules that the gateway does not know change what the payer says. */
  | 'modified'
  /** The period of its membership does not include now. */
  | 'notNow'
  /** The Group is not a list of real persons. */
  | 'notPersons'
  /** The Group has fewer members than it names. */
  | 'fewer'
  | 'twoRecords'
  | 'sharedRecord';

/** Why an attachment did not come. */
export type AttachmentFault =
  /** Its URL is below the payer's Binaries, and is not that of one of them. */
  | 'form'
  | 'refused'
  | 'tooLarge'
  /** Its length, or its SHA-1, is not the one that the resource gives. */
  | 'size'
  | 'hash'
  /** The payer answered with a page of HTML in place of another type, or with a resource that is no Binary. */
  | 'page'
  /** It is a Binary whose data is not base64, or appears twice. */
  | 'data'
  /** What is beside a Binary's data is no JSON with each member once, or is too long. */
  | 'beside'
  /** Nothing was in it; the second if the payer's label says that it withheld something. */
  | 'empty'
  | 'withheld'
  /** Its security context names another patient, or nobody that can be compared with the member. */
  | 'otherPatient'
  | 'slow'
  | 'broken'
  /** The response is not valid HTTP, or has what was not asked for. */
  | 'unusable'
  /** A former plan issues no token to the gateway's client. */
  | 'client'
  /** There are more than an export fetches. */
  | 'tooMany';

/** Why the rest of the record is not read. */
export type NotReadReason =
  | Bound
  | 'longWait'
  | 'grantEnded'
  | 'tokenNotRenewed'
  | 'tokenRefused'
  | 'partnerBlocked'
  | 'partnerRemoved'
  | 'payerBlocked'
  | 'payerRemoved'
  | 'payerDown'
  | 'scopeNarrowed';

/** https://hl7.org/fhir/R4/valueset-issue-severity.html */
export type Severity = 'fatal' | 'error' | 'warning' | 'information';

/** Those with which the same request may succeed later (https://hl7.org/fhir/R4/valueset-issue-type.html, `transient`). */
const transient = new Set(['transient', 'lock-error', 'no-store', 'exception', 'timeout', 'incomplete', 'throttled']);

const harmless: ReadonlySet<Problem['kind']> = new Set([
  'unservedAttachment',
  'filterIgnored',
  'otherBase',
  'attachmentGone',
  'moreOfKind',
  'referenceGone',
  'memberUnchanged',
  'groupText',
  'groupOfTwo',
]);

/** Lines that are not in the record though they may belong to it, or that are and may not. */
const lackingLines: ReadonlySet<LinesReason> = new Set<LinesReason>([
  'stranger',
  'naming',
  'hanging',
  'nameless',
  'namelessSince',
  'othersSince',
  'besideLeftOut',
  'besideEnded',
  'unknown',
  'elsewhere',
]);

/** Whether a problem means that something is, or may be, missing from the record. What the payer does not have is not. */
export const isMissing = (problem: Problem): boolean => {
  if (problem.kind === 'fileLines') return lackingLines.has(problem.why);
  // A payer that applied the parameter would not have returned it.
  if (problem.kind === 'unknownPatient') return problem.isGuessed !== true;
  if (problem.kind === 'memberLeftOut') return problem.isPart === true;
  if (problem.kind === 'attachmentsOutOfScope') return problem.narrowed === true;
  if (problem.kind === 'fileCount') return problem.came < problem.said;
  if (problem.kind !== 'payerRemark' && problem.kind !== 'fileRemark') return !harmless.has(problem.kind);
  // In a search by patient, that may be the patient. In $everything it is in the path.
  const isIgnored =
    problem.kind === 'payerRemark' && problem.code === 'not-supported' && problem.type !== '$everything';
  return isIgnored || problem.severity === 'error' || problem.severity === 'fatal' || codesOfLack.has(problem.code);
};

/**
 * Whether a payer says of a type no more than that it found nothing, and gave nothing of the member's at all. That refuses nothing: it may
 * not know the member.
 */
export const isOfNothing = (problem: Problem): boolean =>
  problem.kind === 'typeRefused' && (problem.saysNone === true || problem.isAbsent === true);

/**
 * Whether a payer refuses how a search is put, or has no such search (https://hl7.org/fhir/R4/http.html#search). After any other refusal
 * it may keep back what the search would find.
 */
export const isOfForm = ({
  status,
  isOfForm: isSaid,
}: {
  readonly status: number;
  readonly isOfForm?: true;
}): boolean => status === 400 || status === 404 || (status === 200 && isSaid === true);

/** Problems with the same name are counted together: their kind, their type, and what they mean for what is missing. */
export const countName = (problem: Problem): string => {
  const { kind, type } = problem;
  const own = kind === 'otherPatient' ? problem.from : kind === 'fileLines' ? problem.why : undefined;
  return `${kind} ${type} ${own ?? isMissing(problem)}`;
};

/** The type in a {@link countName}. */
export const typeInName = (name: string): string => name.split(' ')[1] ?? '';

/** https://hl7.org/fhir/R4/valueset-issue-type.html */
const issueCodes: ReadonlySet<unknown> = new Set(
  'invalid structure required value invariant security login unknown expired forbidden suppressed processing not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational'.split(
    ' ',
  ),
);
const severities: ReadonlySet<unknown> = new Set(['fatal', 'error', 'warning', 'information'] satisfies Severity[]);

/** Reads one of R4's codes in upper or lower case. Anything else becomes `otherwise`, since nobody knows what it means. */
const known = (codes: ReadonlySet<unknown>, value: unknown, otherwise: string): string => {
  const code = typeof value === 'string' ? value.trim().toLowerCase() : undefined;
  return codes.has(code) ? String(code) : otherwise;
};

/**
 * The payer's remarks in an OperationOutcome on a page, each severity and code once. A remark that cannot be read
 * counts as a sign that something is missing: an unknown severity is an error, and an unknown code is `unknown`.
 */
export const payerRemarks = ({ issue }: JsonObject, type: string, page: number): readonly Problem[] => {
  const issues = isObject(issue) ? [issue] : objectsIn(issue);
  const found = new Map<string, Problem>();
  for (const given of issues.length === 0 ? [{}] : issues) {
    const severity = known(severities, given['severity'], 'error') as Severity;
    const code = known(issueCodes, given['code'], 'unknown');
    found.set(`${severity} ${code}`, { kind: 'payerRemark', type, page, severity, code });
  }
  return [...found.values()];
};

/**
 * The meaning of the remarks that a payer sends in place of a search's Bundle: it found nothing, since none says that the search failed
 * (https://hl7.org/fhir/R4/valueset-issue-severity.html); another try may succeed; or it refuses the search.
 */
export const meaningOf = (remarks: readonly Problem[]): 'none' | 'later' | 'refusal' => {
  const faults = remarks.filter((one) => one.kind === 'payerRemark' && one.code !== 'not-found' && isMissing(one));
  if (faults.length === 0) return 'none';
  return faults.some((one) => one.kind === 'payerRemark' && transient.has(one.code)) ? 'later' : 'refusal';
};

/** Whether remarks in place of a Bundle refuse how the search is put: none says that something was withheld, or cannot be read. */
export const areOfForm = (remarks: readonly Problem[]): boolean =>
  remarks.every((one) => one.kind !== 'payerRemark' || !codesOfLack.has(one.code));
