#!/usr/bin/env node
// Sums what Jest wrote with --json: .ci/sum-results.cjs FILE FILE… Its last lines are what a reader of a long log sees, so
// the tests that failed are named there again. Fails if a test failed or a suite ended without results.
const { existsSync, readFileSync } = require('node:fs');
const { basename } = require('node:path');
const { stripVTControlCharacters } = require('node:util');

const mostLines = 12;

const failuresOf = ({ name, message, assertionResults }) => {
  const failed = assertionResults.filter(({ status }) => status === 'failed');
  // A suite that could not be run has no failed test of its own.
  if (failed.length === 0) return [{ title: name, text: message }];
  return failed.map(({ fullName, failureMessages }) => ({
    title: `${name}: ${fullName}`,
    text: failureMessages.join('\n'),
  }));
};

const total = { passed: 0, failed: 0 };
for (const file of process.argv.slice(2)) {
  const suite = basename(file, '.json').replace('results-', '');
  // Jest writes none if what comes after the tests fails.
  if (!existsSync(file)) {
    console.log(`${suite}: ended without results`);
    total.failed += 1;
    continue;
  }
  const { numPassedTests, testResults } = JSON.parse(readFileSync(file, 'utf8'));
  const failures = testResults.filter(({ status }) => status === 'failed').flatMap(failuresOf);
  for (const { title, text } of failures) {
    console.log(`failed: ${title.replace(process.cwd(), '.')}`);
    for (const line of stripVTControlCharacters(text).split('\n').slice(0, mostLines)) console.log(`    ${line}`);
  }
  console.log(`${suite}: passed ${numPassedTests}, failed ${failures.length}`);
  total.passed += numPassedTests;
  total.failed += failures.length;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
