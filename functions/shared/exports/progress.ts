import type { Export } from '../store/export-item.ts';

type Counts = Pick<Export, 'resources' | 'resourcesTotal' | 'typesDone' | 'typesTotal' | 'attachments'>;

const figure = (count: number): string => count.toLocaleString('en-US');

const counted = (count: number, what: string): string => `${figure(count)} ${what}${count === 1 ? '' : 's'}`;

/**
 * How far an export is: `1,240 resources, 12 of 21 types, 3 attachments`, or `1,240 of 3,000 resources` if one request reads
 * everything. Under 100 characters.
 */
export const progressOf = ({ resources, resourcesTotal, typesDone, typesTotal, attachments = 0 }: Counts): string => {
  if (resourcesTotal !== undefined && resourcesTotal > resources) {
    return `${figure(resources)} of ${figure(resourcesTotal)} resources`;
  }
  return [
    counted(resources, 'resource'),
    ...(typesTotal === undefined || typesTotal === 0 ? [] : [`${typesDone ?? 0} of ${typesTotal} types`]),
    ...(attachments === 0 ? [] : [counted(attachments, 'attachment')]),
  ].join(', ');
};
