import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes files into a folder, and runs git there, at a fixed time. */
export const gitFolder = (folder: () => string) => ({
  write: (files: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder(), path)), { recursive: true });
      writeFileSync(join(folder(), path), text);
    }
  },
  run: (...args: string[]): string =>
    execFileSync('git', ['-C', folder(), '-c', 'user.name=A', '-c', 'user.email=a@example.org', ...args], {
      encoding: 'utf8',
      env: { ...process.env, GIT_COMMITTER_DATE: '2026-11-27T10:00:00+01:00' },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
});
