import { checkStage, ConfigError } from '../../config/check.ts';

/**
 * Checks a stage with a new entry in it.
 * @param entryPath the entry's path, such as `partners[3].`; it is left out of the lines
 * @returns what the configuration's rules say against it, a line each
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
