it('starts from its environment', async () => {
  Object.assign(process.env, {
    AWS_REGION: 'eu-central-1',
    ORIGIN: 'https://gateway.example.org',
    REGISTRY_TABLE: 'Registry',
    LIMITS_TABLE: 'Limits',
    STAGE: 'local',
    LIFETIMES: '{}',
  });

  const { handler } = await import('../../../functions/canary/index.ts');

  expect(handler).toBeInstanceOf(Function);
});
