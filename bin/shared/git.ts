import { execFile } from 'node:child_process';

/** Runs git in a folder. `code` is -1 if there is no git. */
export type Git = (folder: string, args: readonly string[]) => Promise<{ readonly code: number; readonly out: string }>;

/** The git of this machine. */
export const git: Git = (folder, args) =>
  new Promise((done) => {
    execFile('git', ['-C', folder, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 }, (error, out) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, out: out.trim() });
    });
  });
