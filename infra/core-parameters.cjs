// A plugin for osls. The first deployment makes a stack of the deployment bucket alone and passes the parameters
// to it already; CloudFormation refuses values for parameters that a template does not have, so it gets them too.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse } = require('yaml');

module.exports = class CoreParameters {
  constructor(serverless) {
    this.hooks = {
      'after:package:initialize': () => {
        const { Parameters } = parse(readFileSync(join(__dirname, 'resources', 'parameters.yml'), 'utf8'));
        serverless.service.provider.coreCloudFormationTemplate.Parameters = Parameters;
      },
    };
  }
};
