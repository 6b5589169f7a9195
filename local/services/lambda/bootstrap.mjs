/**
 * What runs inside an execution environment's process: loads the handler, then answers one invocation at a
 * time over the channel to the region. Plain JavaScript with no import of ours, because it shares its process
 * with the function.
 *
 * To the region: {type: 'ready'} | {type: 'init-error', error} | {type: 'result', requestId, payload | error}
 *                | {type: 'crash', error}
 * To here:       {type: 'invoke', requestId, payload, clientContext, remainingMs, arn}
 */
import { stat } from 'node:fs/promises';
import { globalAgent } from 'node:http';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, types } from 'node:util';

const send = process.send.bind(process);
// The channel is the environment's, not the function's.
process.send = undefined;
process.disconnect = undefined;
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const vpcPort = process.env.LOCAL_REGION_VPC_PORT;
delete process.env.LOCAL_REGION_VPC_PORT;
if (vpcPort !== undefined) {
  // The network of a function in the VPC is behind that port (vpc.ts), which is told who was meant, and says so.
  globalAgent.createConnection = ({ host, port }, connected) => {
    const socket = connect(Number(vpcPort), '127.0.0.1');
    socket.write(`${host} ${port}\n`);
    socket.once('error', connected);
    socket.once('readable', () => {
      socket.read();
      socket.off('error', connected);
      connected(null, socket);
    });
  };
}

const write = process.stdout.write.bind(process.stdout);
let requestId;

// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html: time, request id, level, message.
for (const [method, level] of Object.entries({
  trace: 'TRACE',
  debug: 'DEBUG',
  log: 'INFO',
  info: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
})) {
  console[method] = (...values) => {
    const line = `${new Date().toISOString()}\t${requestId ?? 'undefined'}\t${level}\t${format(...values)}`;
    // A message is one log event: its line breaks travel as carriage returns.
    write(`${line.replaceAll('\n', '\r')}\n`);
  };
}

/** As the runtime interface client words it. */
function describe(error) {
  if (types.isNativeError(error) || error instanceof Error) {
    return {
      errorType: String(error.name),
      errorMessage: String(error.message),
      trace: String(error.stack ?? '').split('\n'),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

async function exists(path) {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function load() {
  const root = process.env.LAMBDA_TASK_ROOT;
  const handler = process.env._HANDLER;
  const file = basename(handler);
  const dot = file.indexOf('.');
  const stem = join(root, dirname(handler), file.slice(0, dot));
  const path = [];
  for (const extension of ['.js', '.mjs', '.cjs']) {
    if (await exists(stem + extension)) path.push(stem + extension);
  }
  if (path[0] === undefined) {
    throw named('Runtime.ImportModuleError', `Error: Cannot find module '${file.slice(0, dot)}'`);
  }
  let loaded;
  try {
    loaded = await import(pathToFileURL(path[0]).href);
  } catch (error) {
    if (error instanceof SyntaxError)
      throw named('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`);
    if (error?.code === 'ERR_MODULE_NOT_FOUND' || error?.code === 'MODULE_NOT_FOUND') {
      throw named('Runtime.ImportModuleError', `Error: ${error.message}`);
    }
    throw error;
  }
  const found = file
    .slice(dot + 1)
    .split('.')
    .reduce((value, key) => value?.[key], loaded.default?.[file.slice(dot + 1)] ? loaded.default : loaded);
  if (found === undefined) {
    throw named('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  }
  if (typeof found !== 'function') throw named('Runtime.HandlerNotFound', `${handler} is not a function`);
  // https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html: no callbacks from Node 24 on.
  if (found.length >= 3) {
    throw named(
      'Runtime.CallbackHandlerDeprecated',
      'AWS Lambda has removed support for callback-based function handlers starting with Node.js 24.',
    );
  }
  return found;
}

function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

let crashed = false;
function crash(error) {
  if (crashed) return;
  crashed = true;
  send({ type: 'crash', error }, () => process.exit(128));
}
process.on('uncaughtException', (error) => crash(describe(error)));
process.on('unhandledRejection', (reason) =>
  crash({
    errorType: 'Runtime.UnhandledPromiseRejection',
    errorMessage: String(reason),
    trace: describe(reason).trace,
  }),
);

let handle;

async function invoke(message) {
  requestId = message.requestId;
  if (message.trace === undefined) delete process.env._X_AMZN_TRACE_ID;
  else process.env._X_AMZN_TRACE_ID = message.trace;
  const deadline = Date.now() + message.remainingMs;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: message.arn,
    awsRequestId: requestId,
    clientContext: message.clientContext === undefined ? undefined : JSON.parse(message.clientContext),
    identity: undefined,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  let answer;
  try {
    const value = await handle(JSON.parse(message.payload), context);
    answer = { payload: serialise(value) };
  } catch (error) {
    const body = describe(error);
    console.error('Invoke Error ', JSON.stringify(body));
    answer = { error: body };
  }
  // The end of this invocation's output, so that the region knows that it has read all of it.
  write(`\u0000${requestId}\n`);
  send({ type: 'result', requestId, ...answer });
}

function serialise(value) {
  try {
    return JSON.stringify(value === undefined ? null : value);
  } catch {
    throw named('Runtime.MarshalError', 'Unable to stringify response body');
  }
}

process.on('message', (message) => void invoke(message));
try {
  handle = await load();
  send({ type: 'ready' });
} catch (error) {
  const body = describe(error);
  console.error('Uncaught Exception ', JSON.stringify(body));
  send({ type: 'init-error', error: body }, () => {
    process.exit(1);
  });
}
