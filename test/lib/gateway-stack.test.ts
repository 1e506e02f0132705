import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type StageTemplate,
  at,
  ofType,
  pathOf,
  property,
  stageTemplate,
  stages,
} from '../support/stage-template.ts';

describe.each(stages)('the stack of %s', (stage) => {
  let template: StageTemplate;
  beforeAll(async () => {
    template = await stageTemplate(stage);
  });

  const functions = () => ofType(template, 'AWS::Lambda::Function').filter(({ Properties }) => Properties?.['Role'] && !/^(Custom|Edge)/.test(String(Properties['Description'])));

  it('runs its functions on arm64 and Node 24, traced, each with a log of its own', () => {
    const own = ofType(template, 'AWS::Lambda::Function').filter((lambda) => /^(Functions|Audit|Canary)\//.test(pathOf(lambda)));
    expect(own).toHaveLength(7);
    for (const lambda of own) {
      expect(lambda.Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
      });
    }
    expect(new Set(own.map((lambda) => JSON.stringify(property(lambda, 'LoggingConfig')))).size).toBe(7);
  });
});
