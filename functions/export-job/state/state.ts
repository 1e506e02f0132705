import type { StoredPart } from '../../shared/exports/manifest.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { Came } from '../reading/hangs-on.ts';
import type { ElsewhereReason } from '../reading/next-page.ts';
import type { FileFault, Problem } from '../reading/problems.ts';
import type { SeenSet } from '../reading/seen.ts';
import type { Odd } from '../reading/split-bundle.ts';

/** What a payer's CapabilityStatement says of the types that a search finds by patient. */
export interface Declared {
  /** The types, each with the parameter to search by. */
  readonly types: Readonly<Record<string, string>>;
  /** It adds to other statements, or that of the first base could not be read, so that the payer may have more types. */
  readonly isPart?: true;
  /** The types of further bases, each with whether the statement of its base says all that the base has. */
  readonly further?: Readonly<Record<string, boolean>>;
  /** By type, the other parameters to search by: a resource that says of nobody that it is about them may name the member there. */
  readonly others?: Readonly<Record<string, readonly string[]>>;
  /** The types whose search can bring the Provenances of what it finds. */
  readonly provenanceOf?: readonly string[];
  /** Types that a further base declares, and that the profile does not name there. */
  readonly astray?: readonly string[];
}

/** How the Provenances of a type's resources are asked for: with the search of the type, or not, since the payer declares or takes no such search. */
export type ProvenanceAsked = 'asked' | 'undeclared' | 'refused' | 'ignored';

/** A part that was put into the bucket: one type's resources from one leg. */
export interface WrittenPart extends StoredPart {
  readonly type: string;
  /** The number of lines. */
  readonly count: number;
}

/** An attachment's content, which was fetched, checked and put into the bucket. */
export interface WrittenAttachment {
  /** The URL that was asked. */
  readonly from: string;
  readonly contentType: string;
  /** What the payer says it is, without parameters; empty if it says nothing. Absent if an earlier version wrote it. */
  readonly sent?: string;
  /** It came in a Binary, which says what it is. */
  readonly isUnwrapped?: true;
  /** It came in a Binary with the payer's label that something was withheld from it. */
  readonly isWithheld?: true;
  readonly bytes: number;
  /** SHA-1 as R4's `Attachment.hash`, in base64. */
  readonly hash: string;
  readonly parts: readonly StoredPart[];
}

interface TaskBase {
  /** How many times the next request has failed. */
  readonly tries: number;
  /** How many times in a row the payer asked us to wait. */
  readonly waits: number;
  /** How many times in a row the payer refused the token. */
  readonly refusals: number;
  /** How many times in a row a former plan answered 503. */
  readonly down?: number;
}

/** Stands for the type in a search that may return any type. */
export const everything = '$everything';

/** A next page beside the one that was read. `page` is the number of the one that links to it. */
export interface Fork {
  readonly page: number;
  readonly rest: string;
}

/** A search, or `$everything`, page by page. */
export interface SearchTask extends TaskBase {
  readonly kind: 'search';
  /** The type to search, or {@link everything}. */
  readonly type: string;
  /** Path and query of the next page, below the payer's base. */
  readonly rest: string;
  /** The number of the next page, from 1. */
  readonly page: number;
  /** How many resources matched so far, each counted once. */
  readonly matched: number;
  /** How many more came that the payer marks as included: in `$everything` a total may count these too. */
  readonly included?: number;
  /** How many of those that matched changed after the end that was asked for: a payer may ignore it. */
  readonly late?: number;
  /** The first total that a page gave. */
  readonly firstTotal?: number | undefined;
  /** A page had a total above the number of its entries. */
  readonly exceedsPage?: true;
  /** A page had a total that cannot be read. */
  readonly isTotalUnreadable?: true;
  /** The first page that may be, or hold, something else than it was read as. */
  readonly odd?: { readonly page: number; readonly what: Odd } | undefined;
  /** The highest count in the HTTP headers of a page. */
  readonly headerTotal?: number | undefined;
  /** Pages that one linked to as the next, beside the one that was read. As many as are kept count as unread for good. */
  readonly forks?: readonly Fork[] | undefined;
  /** The first page that has both a next link that was followed and one that was not. */
  readonly elsewhere?: { readonly page: number; readonly why: ElsewhereReason } | undefined;
  /** How many pages in a row added nothing new. */
  readonly stale: number;
  /** Whether a 404 says that the payer does not have the type. Any other refusal is reported. */
  readonly mayBeAbsent?: true;
  /** Whether a refusal of how the search is put says that the payer does not know the parameter: its statement could not be read. */
  readonly mayBeUnknown?: true;
  /**
   * It asks by a parameter that finds the member in another element than the one that says whom a resource is about, such as `sender`.
   * That never finds what names nobody.
   */
  readonly isByPart?: true;
  /** It follows the request for everything, and is not needed if that brought resources of this type. */
  readonly unlessCame?: true;
  /** How many resources matched on failed tries of this page, so that the next try brings them again. */
  readonly newOnPage?: number;
  /** It brings the Provenances of what it finds, as the profile says, or as the payer declares: then it can be asked without. */
  readonly provenance?: 'profile' | 'declared' | undefined;
  /** The payer left Provenances out of the parameters that it used; or one came all the same. */
  readonly provenances?: 'ignored' | 'came' | undefined;
  /** How many times a page brought what an earlier page of this search had brought. */
  readonly repeats?: number;
}

/** Reads what the payer declares, and plans the searches. */
export interface StatementTask extends TaskBase {
  readonly kind: 'statement';
  /** What bases of the payer's declare, each in a list of its own, which is empty if the base could not be read. */
  readonly read?: readonly (readonly Declared[])[];
  /** The URL of the base of each. The payer's profile may change in between. Absent in an export that version 0.2 began. */
  readonly readAt?: readonly string[];
}

/** Reads the resources that the record refers to. The state files list them. */
export interface ReferencesTask extends TaskBase {
  readonly kind: 'references';
  /** The index of the next file, and of the next reference in it. */
  readonly file: number;
  readonly at: number;
}

/** Fetches attachments, and writes the lines that wait for them. */
export interface AttachmentsTask extends TaskBase {
  readonly kind: 'attachments';
  /** The index of the next file of lines that wait, and of the next line in it. */
  readonly file: number;
  readonly at: number;
}

/** Sends a former plan what is asked of it. */
export interface AskTask extends TaskBase {
  readonly kind: 'ask';
}

/** Asks a former plan whether it is done. */
export interface PollTask extends TaskBase {
  readonly kind: 'poll';
  /** The plan's status URL. */
  readonly url: string;
}

/** Reads the files that a former plan has made, one after the other. */
export interface FilesTask extends TaskBase {
  readonly kind: 'files';
  /** The name of the object that lists them. */
  readonly list: string;
  /** The index of the file that is read. */
  readonly at: number;
  /** Of a match: how many invocations ended before all files were read. @default 0 */
  readonly late?: number;
  /** Of a match, whose files are all read in one leg: how often each has failed, by its index, and why it was given up. @default none has */
  readonly failed?: Readonly<Record<number, { readonly tries: number; readonly fault?: FileFault }>>;
  /** Where its next line begins, in bytes; and how many lines came before it. */
  readonly offset: number;
  readonly lines: number;
  /** How many of these are in the record. */
  readonly kept: number;
  /** How many lines to report, by reason and type: `repeated Observation`. */
  readonly left: Readonly<Record<string, number>>;
  /** What says that the file is still the same: a strong ETag, or when it was changed. */
  readonly validator?: string | undefined;
  /** How many bytes the file has, if the plan has said it. */
  readonly length?: number | undefined;
  /** The CRC-32 of the bytes before the offset. */
  readonly sum?: number | undefined;
  /**
   * How many lines were taken at earlier tries of a file that is read again from its start; where they end, in bytes; and their
   * CRC-32.
   */
  readonly again?: number | undefined;
  readonly againAt?: number | undefined;
  readonly againSum?: number | undefined;
  /**
   * Set if an earlier try of the file brought other lines, or in another order, so that nobody can tell which lines repeat: how
   * many lines the longest try brought.
   */
  readonly earlier?: number | undefined;
  /** How many answers to a request for the rest of the file did not have it. @default 0 */
  readonly begunAnew?: number | undefined;
  /** The file is asked for without compression, so that it can be read on from an offset. */
  readonly plain?: true | undefined;
}

export type Task = StatementTask | SearchTask | ReferencesTask | AttachmentsTask | AskTask | PollTask | FilesTask;

/** A file of a former plan's that was read, or given up. */
export interface PlanFile {
  /** Its place among the files of its kind in the plan's manifest, from 1. */
  readonly number: number;
  readonly kind: 'output' | 'error' | 'deleted';
  readonly type: string;
  /** How many lines it has, as the plan says. */
  readonly said?: number | undefined;
  /** How many lines came, and how many of them are in the record. */
  readonly came: number;
  readonly kept: number;
}

/** A resource that is left out as another patient's, unless the member's own Patient says that the other is the same person. */
export interface EarlyResource {
  /** Its identity: `Type/id`, if it has an id. */
  readonly name: string;
  /** The ids of the patients in it, without the member's. */
  readonly patients: readonly string[];
  readonly problem: Extract<Problem, { kind: 'otherPatient' }>;
  /** The answer that it came in, if that answer would otherwise vouch for resources that name nobody. */
  readonly came?: Came;
  /** It came in answer to a search by a parameter that the payer may not know, so that another patient's is no problem. */
  readonly isGuessed?: true;
}

/** Whether the member's own Patient has said that a patient in a resource is the same person. */
export const isLinked = ({ linked = [] }: Pick<Known, 'linked'>, { patients }: EarlyResource): boolean =>
  patients.some((id) => linked.includes(id));

/** The part of the state that each delta replaces as a whole. */
export interface Known {
  readonly transactionTime?: string;
  /** The tasks that are left; the first is in progress. */
  readonly queue: readonly Task[];
  /** The types whose search was planned, in order. */
  readonly planned: readonly string[];
  /** What the payer declares; absent if that is not known, and in the state of an earlier version. */
  readonly declares?: Declared;
  /** By type, how the Provenances of its resources are asked for. Absent in the state of an earlier version. */
  readonly provenances?: Readonly<Record<string, ProvenanceAsked>>;
  /** The types with a search of their own that was read to its end. Absent in the state of an earlier version. */
  readonly finished?: readonly string[];
  /** The types of which a search `isByPart` was read to its end. */
  readonly finishedByPart?: readonly string[];
  /** The types that came with a request for everything that was read to its end, and that request's own name. */
  readonly withEverything?: readonly string[];
  /**
   * By type, how many came otherwise than by a search of the type, and have not been found by one: so their Provenances did not come
   * with it. And how many of these were not in `$everything`, so that a search of the type should have found them.
   */
  readonly besides?: Readonly<Record<string, number>>;
  readonly along?: Readonly<Record<string, number>>;
  /** The member's other ids at the payer, as the member's own Patient names them. */
  readonly linked?: readonly string[];
  /** What was left out while it was not known which other ids are the member's. Absent in the state of an earlier version. */
  readonly early?: readonly EarlyResource[];
  /** The version of the token that the payer last refused twice, and how many requests it has refused since it answered one. */
  readonly refused?: { readonly version: number; readonly inRow: number };
  /** How many resources were requested because the record refers to them. */
  readonly references?: number;
  /** How many problems there were, by their names. Only the first ones of each are listed. */
  readonly reported: Readonly<Record<string, number>>;
  readonly pages: number;
  readonly resources: number;
  readonly bytes: number;
  /** Of an exchange: how many lines the plan says that all of its files have. */
  readonly linesTotal?: number;
  /** Of a group export: how many resources about each member are in the record, by the ids at the payer. */
  readonly about?: Readonly<Record<string, number>>;
  /** In a group export: the payer's ids of the members whose own Patient is in the record. State that an earlier version wrote does not have it. */
  readonly ownPatients?: readonly string[];
  /** Of a match: what the payer said of whom, by the ids that were submitted; and how many strangers it named. */
  readonly said?: Readonly<Record<string, MemberSaid>>;
  readonly strangers?: number;
  /** Of a match: the Groups of matched members, which become usable once the audit names them. */
  readonly groups?: readonly KeptGroup[];
  /** In a group export: members who could no longer be exported before all of their lines had come, by their ids at the payer. */
  readonly cut?: readonly string[];
  /** In a group export: how many lines are in the record only since the whole Group was asked for, by file and type, such as `2 Observation`. */
  readonly byGroup?: Readonly<Record<string, number>>;
}

/** A Group whose body is in the table of exchanges, and whose head is not there yet. */
export interface KeptGroup {
  readonly id: string;
  /** How many entries the payer's Group has. */
  readonly entries: number;
  /** The box with the key of its body, in base64. */
  readonly key: string;
  /** How many parts its body has. */
  readonly chunks: number;
  /** A hash of the patients whom the payer's Group has. Absent from an earlier version. */
  readonly patients?: string;
}

/** What the answer of a match says of a member. */
export interface MemberSaid {
  readonly outcome: string;
  readonly reference?: string;
}

/** A file of lines that wait for their attachments. */
export interface HeldFile {
  readonly object: string;
  /** The types of its lines, each once. */
  readonly types: readonly string[];
  /** Whether any of them names no patient. Absent if an earlier version wrote it. */
  readonly hangs?: boolean;
}

/** The lists of the state, to which each leg adds. */
interface Lists {
  readonly parts: WrittenPart[];
  readonly problems: Problem[];
  /** The files of lines that wait for their attachments, also those that were written since. */
  readonly held: HeldFile[];
  readonly attachments: WrittenAttachment[];
  /** The files of a former plan that were read to their ends. */
  readonly files: PlanFile[];
}

type Added = { readonly [Name in keyof Lists]: readonly Lists[Name][number][] };

/** What one leg adds. That of an earlier version may lack lists. */
export interface Delta
  extends Pick<Added, 'parts' | 'problems'>, Partial<Pick<Added, 'held' | 'attachments' | 'files'>> {
  readonly known: Known;
  /** Resources that this leg was the first to find references to, as `Type/id`. */
  readonly referred: readonly string[];
}

export const emptyLists = (): Lists => ({ parts: [], problems: [], held: [], attachments: [], files: [] });

/** Adds a delta's lists to those of the state. */
export const addLists = (state: Lists, delta: Partial<Added>): void => {
  for (const name of Object.keys(emptyLists()) as readonly (keyof Lists)[]) {
    const list: unknown[] = state[name];
    for (const one of delta[name] ?? []) list.push(one);
  }
};

/** The state after some legs. */
export interface JobState extends Lists {
  known: Known;
  /** The state files that have references. */
  readonly referenceFiles: string[];
  /** The tags of resources, references and pages that were seen. */
  readonly seen: SeenSet;
}

/**
 * The total that the payer gave, if the current task is the request for everything, or its files. If some came that the payer marks as
 * included, nobody knows whether the total counts these.
 */
export const resourcesTotalOf = ({ queue, linesTotal }: Known): number | undefined => {
  const [task] = queue;
  if (task?.kind === 'files') return linesTotal;
  if (task?.kind !== 'search' || task.type !== everything || (task.included ?? 0) > 0) return undefined;
  return task.firstTotal;
};

/** How many of the planned types are done. The request for everything is none of them. */
export const typesDoneOf = ({ planned, queue }: Known): { readonly typesDone: number; readonly typesTotal: number } => {
  // With files, it is unknown how many types are done.
  if (queue.some(({ kind }) => kind === 'files')) return { typesDone: 0, typesTotal: 0 };
  const left = new Set(queue.map((task) => (task.kind === 'search' ? task.type : undefined)));
  const types = planned.filter((type) => type !== everything);
  return { typesDone: types.filter((type) => !left.has(type)).length, typesTotal: types.length };
};

/** A payer's clock may be this far behind ours, in seconds. */
const mostBehind = 3600;

/**
 * A time in milliseconds that is surely before the payer's time of our first request, for payers that send no `Date`. Our clock
 * may be ahead of the payer's, and then the next `_since` would miss changes.
 */
export const earliestTimeOf = ({ startedAt }: Pick<Export, 'startedAt'>): number => (startedAt - mostBehind) * 1000;
