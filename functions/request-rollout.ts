/** RequestRollout: at the end of build-image, asks that what was built goes live. */
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import { rolloutRequest } from '../src/contracts/request.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { requestForUpload } from '../src/runtime/upload-rollout.ts';

export const handler = lambdaFunction({
  name: 'request-rollout',
  input: rolloutRequest,
  deps: (config) => ({ table: openTable(config.table), executions: openExecutions() }),
  run: (request, deps, { clock, config }) => requestForUpload(request, { ...deps, clock, config }),
});
