/** The types of resources that the region can make, and what makes them. */
import type { ResourceType } from './resource.ts';
import { alarm, rule, stateMachine } from './resources/flow.ts';
import {
  eventInvokeConfig,
  lambdaFunction,
  lambdaPermission,
  logGroup,
  role,
} from './resources/functions.ts';
import { api, integration, route, stage } from './resources/http-api.ts';
import { bucket, bucketPolicy, table } from './resources/storage.ts';

export const resourceTypes: Readonly<Record<string, ResourceType>> = {
  'AWS::ApiGatewayV2::Api': api,
  'AWS::ApiGatewayV2::Integration': integration,
  'AWS::ApiGatewayV2::Route': route,
  'AWS::ApiGatewayV2::Stage': stage,
  'AWS::CloudWatch::Alarm': alarm,
  'AWS::DynamoDB::Table': table,
  'AWS::Events::Rule': rule,
  'AWS::IAM::Role': role,
  'AWS::Lambda::EventInvokeConfig': eventInvokeConfig,
  'AWS::Lambda::Function': lambdaFunction,
  'AWS::Lambda::Permission': lambdaPermission,
  'AWS::Logs::LogGroup': logGroup,
  'AWS::S3::Bucket': bucket,
  'AWS::S3::BucketPolicy': bucketPolicy,
  'AWS::StepFunctions::StateMachine': stateMachine,
};
