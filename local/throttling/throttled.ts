import { AwsError } from '../service.ts';
import { protocolOf } from '../wire/catalogue.ts';

/**
 * How each service says that it is asked too often.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (RequestLimitExceeded),
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (SlowDown),
 * https://docs.aws.amazon.com/ebs/latest/APIReference/CommonErrors.html (ThrottlingException),
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
export function throttled(serviceId: string): AwsError {
  if (serviceId === 'dynamodb')
    return new AwsError('ThrottlingException', 'Rate of requests exceeds the allowed throughput.', 400);
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
  if (serviceId === 'elasticloadbalancing') return new AwsError('ThrottlingException', 'Rate exceeded', 400);
  if (serviceId === 'lambda') return new AwsError('TooManyRequestsException', 'Rate exceeded', 429);
  switch (protocolOf(serviceId)) {
    case 'ec2Query':
      return new AwsError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    case 'restXml':
      return new AwsError('SlowDown', 'Please reduce your request rate.', 503);
    case 'awsQuery':
      return new AwsError('Throttling', 'Rate exceeded', 400);
    default:
      return new AwsError('ThrottlingException', 'Rate exceeded', 400);
  }
}
