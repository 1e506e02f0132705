import type { Known } from './state.ts';

/** What is known, for a leg to change in place: with sets and a map in place of the lists and the object of {@link Known}. */
export const openKnown = ({
  queue,
  planned,
  finished,
  finishedByPart = [],
  withEverything,
  linked = [],
  early = [],
  about = {},
  ownPatients,
  cut = [],
  byGroup = {},
  references = 0,
  ...known
}: Known) => ({
  ...known,
  queue: [...queue],
  planned: [...planned],
  finished: new Set(finished),
  finishedByPart: new Set(finishedByPart),
  withEverything: new Set(withEverything),
  linked: [...linked],
  early: [...early],
  about: new Map(Object.entries(about)),
  ownPatients: new Set(ownPatients),
  cut: new Set(cut),
  byGroup: new Map(Object.entries(byGroup)),
  references,
});

export type NextKnown = ReturnType<typeof openKnown>;

/** What the next leg begins with. @param before what this one began with */
export const closeKnown = (
  { finished, finishedByPart, withEverything, about, ownPatients, cut, byGroup, ...next }: NextKnown,
  before: Known,
  { reported, bytes }: Pick<Known, 'reported' | 'bytes'>,
): Known => ({
  ...next,
  reported,
  bytes,
  ...(about.size > 0 && { about: Object.fromEntries(about) }),
  ...(finishedByPart.size > 0 && { finishedByPart: [...finishedByPart] }),
  ...(cut.size > 0 && { cut: [...cut] }),
  ...(byGroup.size > 0 && { byGroup: Object.fromEntries(byGroup) }),
  // The state of an earlier version does not have these.
  ...(before.ownPatients !== undefined && { ownPatients: [...ownPatients] }),
  ...(before.finished !== undefined && { finished: [...finished], withEverything: [...withEverything] }),
});
