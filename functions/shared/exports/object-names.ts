/*
 * The objects of an export in the bucket:
 *
 *   {export}/parts/{random}    one type's resources from one leg, sealed to the partner
 *   {export}/state/{random}    the job's state after one leg, sealed under the state key
 *   {export}/manifest          sealed to the partner
 *   {export}/kept              the names of the parts in the manifest, which the sweep must not delete
 *
 * The names of parts and states are random, so that two attempts never share one.
 */

/** The prefix of all of an export's objects. */
export const prefixOf = (exportId: string): string => `${exportId}/`;

export const partName = (exportId: string, random: string): string => `${exportId}/parts/${random}`;

export const stateName = (exportId: string, random: string): string => `${exportId}/state/${random}`;

export const manifestName = (exportId: string): string => `${exportId}/manifest`;

export const keptName = (exportId: string): string => `${exportId}/kept`;
