import type { JobState } from '../state/state.ts';
import type { Leg } from './leg.ts';
import { leftOutTag } from './take-resource.ts';

/** The state stores a resource that the record refers to by its name, `Type/id`. */
export const parseName = (name: string): { readonly type: string; readonly id: string } => {
  const at = name.indexOf('/');
  return { type: name.slice(0, at), id: name.slice(at + 1) };
};

/** Whether a resource is in the record, or was left out and reported. */
export const isAccountedFor = (
  leg: Pick<Leg, 'tagOf'> & { readonly state: Pick<JobState, 'seen'> },
  name: string,
): boolean => leg.state.seen.has(leg.tagOf(name)) || leg.state.seen.has(leftOutTag(leg, name));
