/**
 * Reads a required environment variable.
 * @throws Error naming the variable, at the start of the function.
 */
export const requireEnvironment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`Environment variable ${name} is missing`);
  return value;
};
