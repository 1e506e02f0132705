import { UsageError } from '../bin/shared/errors.ts';

/**
 * npm keeps the flags that stand before `--`, and gives them to nobody but the environment.
 * @throws UsageError if it has kept one of the command's
 */
export const refuseFlagsOfNpm = (
  spec: { readonly call: string },
  environment: Readonly<Record<string, string | undefined>>,
): void => {
  // `scope` is a setting of npm's own.
  const flags = Object.keys(spec).flatMap((key) => /^--(?!scope\b)[\w-]+/.exec(key) ?? []);
  const kept = flags.find((flag) => environment[`npm_config_${flag.slice(2).replaceAll('-', '_')}`] !== undefined);
  if (kept !== undefined)
    throw new UsageError(`npm kept ${kept} for itself; write -- before the flags: ${spec.call} ${kept} …`);
};
