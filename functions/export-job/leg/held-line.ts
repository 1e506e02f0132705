import { attachmentName, exportUrl } from '../../shared/exports/urls.ts';
import type { AnswerBases } from '../../shared/registry/fhir-bases.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { disprove, problemOfHanging, whoseIs } from '../reading/hangs-on.ts';
import type { OwnAttachment } from '../reading/own-attachments.ts';
import type { Problem } from '../reading/problems.ts';
import { createLineRewriter } from '../reading/rewrite-line.ts';
import { identityOf, type SeenNames } from '../reading/seen-names.ts';
import type { HeldLine } from '../state/held-lines.ts';
import { isLinked, type HeldFile, type Known } from '../state/state.ts';
import { settling } from './settle.ts';

/** The name under which an attachment is seen that did not come, so that no other leg asks for it again. */
export const missingName = (held: HeldLine, { from }: OwnAttachment): string =>
  `no attachment ${identityOf(held)} ${from}`;

/** The name under which an attachment is seen that a written line has, and of one whose line was left out. */
const given = (from: string): string => `attachment of a line ${from}`;
const leftOut = (from: string): string => `attachment of a line that is left out ${from}`;

/** Notes that a line is left out for which attachments may have come. */
export const leaveAttachments = (
  seen: Pick<SeenNames, 'add'>,
  { attachments }: Pick<HeldLine, 'attachments'>,
): void => {
  for (const { from } of attachments) seen.add(leftOut(from));
};

/** Whether an attachment came only for lines that were left out since. @param from the URL that was asked */
export const isOfNoLine = (seen: Pick<SeenNames, 'has'>, from: string): boolean =>
  seen.has(leftOut(from)) && !seen.has(given(from));

export interface HeldLineRules {
  readonly origin: string;
  readonly item: Pick<Export, 'payer' | 'exportId'>;
  /** The payer's bases as answers of one see them. @param home as in a held line */
  readonly basesAt: (home: string | undefined) => AnswerBases;
  readonly seen: Pick<SeenNames, 'has' | 'add'>;
  /** The place of an attachment among those that came, by the URL that was asked. */
  readonly find: (from: string) => { readonly at: number } | undefined;
}

/** A line that waited, with the URLs of the files of those attachments that came. All other URLs are as in any line. */
export const heldLine = (
  held: HeldLine,
  { origin, item, basesAt, seen, find }: HeldLineRules,
): Iterable<Uint8Array> => {
  const urls = new Map<string, string>();
  for (const attachment of held.attachments) {
    const found = find(attachment.from);
    if (found === undefined || seen.has(missingName(held, attachment))) continue;
    urls.set(attachment.url, `${exportUrl(origin, item)}/${attachmentName(found.at)}`);
    seen.add(given(attachment.from));
  }
  const rewrite = createLineRewriter({ ...basesAt(held.home), facade: facadeBase(origin, item.payer) });
  const { line, attachments, others = [] } = held;
  return rewrite({ line, attachments: [...attachments.map(({ url }) => url), ...others] }, urls);
};

/**
 * Settles whose the resources are that name no patient, among the lines of all files.
 * @param known what came while nobody knew which other ids are the member's
 * @throws whatever `read` throws
 */
export const settleHeld = async (
  files: readonly HeldFile[],
  known: Pick<Known, 'early' | 'linked'>,
  seen: SeenNames,
  read: (name: string) => Promise<readonly HeldLine[]>,
): Promise<void> => {
  for (const one of known.early ?? []) if (!isLinked(known, one)) disprove(seen, one.came);
  const { take, end } = settling(seen);
  for (const { object, hangs = true } of files) {
    if (!hangs) continue;
    for (const held of await read(object)) if (held.hangsOn !== undefined) take(identityOf(held), held.hangsOn);
  }
  end();
};

/** Why a line is left out that named no patient; undefined if it is not. */
export const whyLeftOut = (held: HeldLine, seen: Pick<SeenNames, 'has'>): Problem | undefined => {
  if (held.hangsOn === undefined) return undefined;
  const whose = whoseIs(held.hangsOn, identityOf(held), seen);
  return whose === 'member' || whose === 'nobody' ? undefined : problemOfHanging(held.hangsOn, whose);
};
