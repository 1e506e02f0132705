import { dataVersion } from '../../functions/shared/registry/data-version.ts';
import { at, nameOf, ofType, pathOf, property, stageTemplate, stageTemplates } from '../support/stage-template.ts';

describe.each(await stageTemplates())('the first filling of the registry of %s', (stage, template) => {
  const filling = () => {
    const [resource, ...others] = ofType(template, 'Custom::RegistryFill');
    if (resource === undefined || others.length > 0) throw new Error('not one filling');
    return resource;
  };

  it('is done by its function, and CloudFormation waits for it a minute longer than the function may run', () => {
    expect(nameOf(template, property(filling(), 'ServiceToken'))).toBe('RegistryFill/FillRegistry/Function');
    expect(property(filling(), 'ServiceTimeout')).toBe('900');
    expect(property(at(template, 'RegistryFill/FillRegistry/Function'), 'Timeout')).toBe(840);
  });

  it('is not repeated by a later deployment, since nothing in it ever changes', async () => {
    const [payer] = (await import('../../config/demo.ts')).default.payers;
    if (payer === undefined) throw new Error('the demo stage has no payer');
    const other = await stageTemplate('demo', { payers: [{ ...payer, id: 'other' }], partners: [] });
    const [resource] = ofType(other, 'Custom::RegistryFill');

    expect(Object.keys(property(filling(), 'ServiceToken'))).toEqual(['Fn::GetAtt']);
    expect(Object.keys(filling().Properties ?? {}).sort()).toEqual(['ServiceTimeout', 'ServiceToken']);
    expect(resource?.Properties).toEqual(filling().Properties);
  });

  it('comes before every function that reads the registry changes, and before no other', () => {
    const [id] = Object.entries(template.Resources).find(([, resource]) => resource === filling()) ?? [];
    const waiting = ofType(template, 'AWS::Lambda::Function').filter(({ DependsOn = [] }) =>
      [DependsOn].flat().includes(id ?? ''),
    );
    const reading = ofType(template, 'AWS::Lambda::Function').filter((lambda) =>
      JSON.stringify(property(lambda, 'Environment') ?? {}).includes('"LIFETIMES"'),
    );

    expect(waiting.map(pathOf).sort()).toEqual(
      [
        'Canary/Canary/Function',
        ...['Events/Deliver', 'Events/FollowUp', 'Exports/Export', 'Exports/ExportJob'].map(
          (path) => `${path}/Function`,
        ),
        ...['Authorize', 'Callback', 'Connections', 'Discovery', 'Fetch', 'Token'].map(
          (name) => `Functions/${name}/Function`,
        ),
      ].sort(),
    );
    expect(reading.map(pathOf).sort()).toEqual(waiting.map(pathOf).sort());
  });

  it('comes after the check of the data version, as every table and every function that reads the registry does', () => {
    const [[checkId, check] = [], ...others] = Object.entries(template.Resources).filter(
      ([, { Type }]) => Type === 'Custom::DataVersion',
    );
    const waiting = Object.values(template.Resources).filter(({ DependsOn = [] }) =>
      [DependsOn].flat().includes(checkId ?? ''),
    );
    const tables = ofType(template, 'AWS::DynamoDB::Table').map(pathOf);
    const readers = ofType(template, 'AWS::Lambda::Function').filter((lambda) =>
      JSON.stringify(property(lambda, 'Environment') ?? {}).includes('"LIFETIMES"'),
    );

    expect(others).toEqual([]);
    expect(checkId).toMatch(new RegExp(`^RegistryFillDataVersion${dataVersion}[0-9A-F]{8}$`));
    expect(property(check, 'ServiceToken')).toEqual(property(filling(), 'ServiceToken'));
    // Otherwise a new table would never get the version.
    expect(nameOf(template, property(check, 'Table'))).toBe('Tables/Registry');
    expect(waiting).toContain(filling());
    expect(
      waiting
        .filter((resource) => resource !== filling())
        .map(pathOf)
        .sort(),
    ).toEqual([...tables.filter((path) => path !== 'Tables/Registry'), ...readers.map(pathOf)].sort());
  });

  it('runs outside the VPC, from which CloudFormation’s bucket for answers cannot be reached, and untraced', () => {
    const inVpc = ofType(template, 'AWS::Lambda::Function').filter(
      (lambda) => property(lambda, 'VpcConfig') !== undefined,
    );
    const lambda = at(template, 'RegistryFill/FillRegistry/Function');

    expect(inVpc).toHaveLength(stage === 'demo' ? 0 : 13);
    expect(property(lambda, 'VpcConfig')).toBeUndefined();
    expect(property(lambda, 'TracingConfig')).toBeUndefined();
  });
});
