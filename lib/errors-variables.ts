import type { StageConfig } from '../config/stage.ts';

/** Where a function's errors lead, if the stage has a page about them. */
export const errorsVariables = ({ errorsUrl }: Pick<StageConfig, 'errorsUrl'>): Readonly<Record<string, string>> =>
  errorsUrl === undefined ? {} : { ERRORS_URL: errorsUrl };
