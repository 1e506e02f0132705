import type { StageConfig } from '../stage.ts';

/** The tags of whatever belongs to a stage, whether the stack makes it or a tool. */
export const stageTags = ({ stage, tags }: Pick<StageConfig, 'stage' | 'tags'>): Readonly<Record<string, string>> => ({
  ...tags,
  project: 'p2p-gateway',
  stage,
});
