import { RegionInfo } from 'aws-cdk-lib/region-info';
import { regions } from '../../config/checks/regions.ts';

it('the regions are the ones that the CDK knows', () => {
  expect(regions).toEqual(RegionInfo.regions.map(({ name }) => name).sort());
});
