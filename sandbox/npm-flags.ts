import { UsageError } from '../bin/shared/errors.ts';

/**
 * npm takes flags before `--` for its own: the command gets them only as environment variables.
 * @throws UsageError if one of the command's flags is among them
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
