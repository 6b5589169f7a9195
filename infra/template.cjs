// The door by which serverless.yml reaches the generator: osls reads .cjs files, and Node 24 lets them require
// TypeScript.
const { functions } = require('./template/functions.ts');
const { functionRoles } = require('./template/roles.ts');
const { machines } = require('./template/machines.ts');

module.exports = async ({ resolveConfigurationProperty }) => {
  const stack = await resolveConfigurationProperty(['provider', 'stackName']);
  return { functions: functions(stack), resources: { ...functionRoles(), ...machines() } };
};
