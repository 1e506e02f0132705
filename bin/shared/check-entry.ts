import { checkStage, ConfigError } from '../../config/checks/check-stage.ts';

/**
 * Checks a stage that contains a new entry.
 * @param entryPath the entry's path, such as `partners[3].`, which is omitted from the lines
 * @returns one line for each problem
 */
export const problemsWith = (stage: unknown, entryPath: string): string[] => {
  const file = 'stage';
  try {
    checkStage(stage, file);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) =>
      line
        .slice(`${file}: `.length)
        .replace(/^(\w+\[\d+\]) \([\w.-]+\)/, '$1')
        .replace(entryPath, ''),
    );
  }
};
