// A Jest reporter: writes which lines each test file ran, and how long it took, to the file that PLANTED_MAP names. Jest
// loads reporters itself, so this is CommonJS.
const { writeFileSync } = require('node:fs');
const { SourceMap } = require('node:module');
const { relative } = require('node:path');

module.exports = class {
  constructor({ rootDir }) {
    this.rootDir = rootDir;
    this.tests = [];
    this.lines = {};
  }

  onTestResult(_test, { testFilePath, coverage, perfStats }) {
    const index =
      this.tests.push({ file: relative(this.rootDir, testFilePath), ms: perfStats.end - perfStats.start }) - 1;
    for (const [path, file] of Object.entries(coverage ?? {})) {
      const { s: hits, statementMap, inputSourceMap } = file.data ?? file;
      const map = inputSourceMap && new SourceMap(inputSourceMap);
      const lines = (this.lines[relative(this.rootDir, path)] ??= {});
      for (const [statement, { start }] of Object.entries(statementMap)) {
        const line = map ? map.findEntry(start.line - 1, start.column).originalLine + 1 : start.line;
        // A line that no test ran is listed too, so that it is not taken for part of the one before.
        const tests = (lines[line] ??= []);
        if (hits[statement] > 0 && tests.at(-1) !== index) tests.push(index);
      }
    }
  }

  onRunComplete() {
    writeFileSync(process.env.PLANTED_MAP, JSON.stringify({ tests: this.tests, lines: this.lines }));
  }
};
