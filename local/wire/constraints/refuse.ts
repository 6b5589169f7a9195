/** The error with which each service answers an input that its model does not allow. */
import { AwsError } from '../../service.ts';
import { placeOf, type Violation, violations } from './check.ts';

/** @throws AwsError in the words of the service, before anything else is looked at. */
export function checkConstraints(serviceId: string, operation: string, input: unknown): void {
  const found = violations(serviceId, operation, input);
  if (found.length > 0) throw refusal(serviceId, operation, found);
}

function refusal(serviceId: string, operation: string, found: readonly Violation[]): AwsError {
  const fraction = found.find((one) => one.broken.rule === 'integer');
  switch (serviceId) {
    case 'ec2':
      return ec2Refusal(operation, found[0] as Violation);
    case 's3':
      return s3Refusal(operation, found[0] as Violation);
    // https://docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html, and the same of the others
    case 'autoscaling':
    case 'elasticloadbalancing':
    case 'monitoring':
    case 'sts':
      return fraction === undefined
        ? new AwsError('ValidationError', sentence(found))
        : new AwsError('MalformedInput', notAnInteger(fraction));
  }
  if (fraction !== undefined) return new AwsError('SerializationException', notAnInteger(fraction));
  switch (serviceId) {
    // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    case 'logs':
      return new AwsError('InvalidParameterException', sentence(found));
    // https://docs.aws.amazon.com/ebs/latest/APIReference/API_ValidationException.html
    case 'ebs':
      return new AwsError('ValidationException', sentence(found), 400, {
        Reason: ebsReasons[String(found[0]?.path[0])] ?? 'INVALID_PARAMETER_VALUE',
      });
    // https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
    case 'servicequotas':
      return new AwsError('IllegalArgumentException', sentence(found));
    default:
      return new AwsError('ValidationException', sentence(found));
  }
}

const ebsReasons: Readonly<Record<string, string>> = {
  SnapshotId: 'INVALID_SNAPSHOT_ID',
  FirstSnapshotId: 'INVALID_SNAPSHOT_ID',
  SecondSnapshotId: 'INVALID_SNAPSHOT_ID',
  ParentSnapshotId: 'INVALID_SNAPSHOT_ID',
  BlockToken: 'INVALID_BLOCK_TOKEN',
  NextToken: 'INVALID_PAGE_TOKEN',
  BlockIndex: 'INVALID_BLOCK',
  Tags: 'INVALID_TAG',
  VolumeSize: 'INVALID_VOLUME_SIZE',
};

/**
 * As AWS's common framework words it: "1 validation error detected: Value '' at 'tableName' failed to satisfy
 * constraint: Member must have length greater than or equal to 3", with every violation in one answer.
 */
function sentence(found: readonly Violation[]): string {
  const count = `${found.length} validation error${found.length === 1 ? '' : 's'} detected`;
  return `${count}: ${found.map(clause).join('; ')}`;
}

function clause(violation: Violation): string {
  const { value, sensitive, path } = violation;
  const shown = sensitive ? '' : value === null ? ' null' : ` '${shownAs(value)}'`;
  return `Value${shown} at '${dotted(path)}' failed to satisfy constraint: ${member(violation)}`;
}

function member({ broken, within }: Violation): string {
  const rule = `Member must ${demand(broken)}`;
  if (within === undefined) return rule;
  const what = within === 'item' ? 'Member' : `Map ${within}`;
  return `${what} must satisfy constraint: [${rule}]`;
}

function demand(broken: Violation['broken']): string {
  switch (broken.rule) {
    case 'required':
      return 'not be null';
    case 'integer':
      return `be an integer of ${broken.bits} bits`;
    case 'least':
      return `have ${broken.of} greater than or equal to ${broken.bound}`;
    case 'most':
      return `have ${broken.of} less than or equal to ${broken.bound}`;
    case 'enum':
      return `satisfy enum value set: [${broken.values.join(', ')}]`;
    case 'pattern':
      return `satisfy regular expression pattern: ${broken.pattern}`;
  }
}

function shownAs(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shownAs).join(', ')}]`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, one]) => `${key}=${shownAs(one)}`)
      .join(', ')}}`;
  return String(value);
}

/** `tags.1.member.key`: names begin with a small letter, and a list's item is its `member`. */
function dotted(path: Violation['path']): string {
  return path.map((part) => (typeof part === 'number' ? `${part}.member` : lowered(part))).join('.');
}

function lowered(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function notAnInteger({ value, path }: Violation): string {
  return `${String(value)} is not an integer, for ${path.join('.')}`;
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
function ec2Refusal(operation: string, { broken, path, value }: Violation): AwsError {
  const name = path.join('.');
  const last = lowered(String(path.findLast((part) => typeof part === 'string') ?? ''));
  if (broken.rule === 'least' || broken.rule === 'most' || broken.rule === 'pattern') {
    if (operation === 'RegisterImage' && name === 'Name')
      return new AwsError(
        'InvalidAMIName.Malformed',
        'AMI names must be between 3 and 128 characters long, and may contain letters, numbers, and ( ) . - / _ only.',
      );
    if (name === 'LaunchTemplateName')
      return new AwsError(
        'InvalidLaunchTemplateName.MalformedException',
        'Launch template names must be between 3 and 128 characters long, and may contain letters, numbers, and ( ) . - / _ only.',
      );
  }
  switch (broken.rule) {
    case 'required':
      return new AwsError('MissingParameter', `The request must contain the parameter ${name}`);
    case 'least':
    case 'most': {
      if (broken.of === 'length')
        return new AwsError(
          'InvalidParameterValue',
          `Value (${shownAs(value)}) for parameter ${last} is invalid. Its length must be ${broken.rule === 'least' ? 'at least' : 'at most'} ${broken.bound}.`,
        );
      // As AWS words it: "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5."
      const expected = broken.rule === 'least' ? 'greater than or equal to' : 'less than or equal to';
      return new AwsError(
        'InvalidParameterValue',
        `Value ( ${String(value)} ) for parameter ${last} is invalid. Expecting a value ${expected} ${broken.bound}.`,
      );
    }
    case 'integer':
    case 'enum':
    case 'pattern':
      return new AwsError(
        'InvalidParameterValue',
        `Value (${shownAs(value)}) for parameter ${last} is invalid.`,
      );
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList */
function s3Refusal(operation: string, { broken, path, value }: Violation): AwsError {
  const name = String(path[0]);
  if (path.length === 1 && broken.rule === 'required' && s3Payloads.has(name))
    return new AwsError('MissingRequestBodyError', 'Request Body is empty');
  const inBody = placeOf('s3', operation, name) === undefined;
  if (path.at(-1) === 'LocationConstraint')
    return new AwsError('InvalidLocationConstraint', 'The specified location-constraint is not valid');
  if (inBody)
    return new AwsError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  const argument = { ArgumentName: name, ArgumentValue: value === null ? '' : shownAs(value) };
  switch (name) {
    case 'StorageClass':
      return new AwsError('InvalidStorageClass', 'The storage class you specified is not valid');
    case 'EncodingType':
      return new AwsError('InvalidArgument', 'Invalid Encoding Method specified in Request', 400, argument);
    case 'TaggingDirective':
      return new AwsError('InvalidArgument', 'Unknown tagging directive.', 400, argument);
    case 'MetadataDirective':
      return new AwsError('InvalidArgument', 'Unknown metadata directive.', 400, argument);
    case 'ServerSideEncryption':
      return new AwsError(
        'InvalidEncryptionAlgorithmError',
        'The encryption request you specified is not valid. The valid value is AES256.',
      );
    case 'Key':
      if (broken.rule === 'most') return new AwsError('KeyTooLongError', 'Your key is too long');
  }
  return new AwsError(
    'InvalidArgument',
    `The argument ${name} is not valid: it must ${demand(broken)}.`,
    400,
    argument,
  );
}

/** Members that are the whole body of their request. */
const s3Payloads = new Set([
  'AccelerateConfiguration',
  'Delete',
  'LifecycleConfiguration',
  'NotificationConfiguration',
  'OwnershipControls',
  'Policy',
  'PublicAccessBlockConfiguration',
  'ServerSideEncryptionConfiguration',
  'Tagging',
  'VersioningConfiguration',
]);
