import { operationOutcome } from '../../../../functions/shared/fhir/operation-outcome.ts';

describe('operationOutcome', () => {
  it('has the message where clients look for it', () => {
    expect(operationOutcome('not-found', 'No.')).toEqual({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', details: { text: 'No.' }, diagnostics: 'No.' }],
    });
  });
});
