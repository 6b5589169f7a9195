/** Cases of EC2: launch templates. */
import { aTime, type Case, type Step } from '../case.ts';

/** "The Amazon EC2 API … error codes": EC2 models none of its errors, and each page leads here. */
const errors = 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html';

const template: Step = {
  call: 'CreateLaunchTemplate',
  input: {
    LaunchTemplateName: '<name>',
    LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.micro' },
  },
  keep: { template: 'LaunchTemplate.LaunchTemplateId' },
};
const noTemplate = 'lt-0123456789abcdef0';

export const launchTemplateCases: readonly Case[] = [
  {
    operation: 'CreateLaunchTemplate',
    says: 'makes version 1, which is the default and the latest',
    input: {
      LaunchTemplateName: '<name>',
      VersionDescription: 'first',
      LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.micro' },
      TagSpecifications: [{ ResourceType: 'launch-template', Tags: [{ Key: 'a', Value: '<name>' }] }],
    },
    answers: {
      LaunchTemplate: {
        LaunchTemplateId: /^lt-[0-9a-f]{17}$/,
        LaunchTemplateName: '<name>',
        CreateTime: aTime,
        CreatedBy: /^arn:aws:iam::/,
        DefaultVersionNumber: 1,
        LatestVersionNumber: 1,
        Tags: [{ Key: 'a', Value: '<name>' }],
      },
    },
  },
  {
    operation: 'CreateLaunchTemplate',
    says: 'refuses a name that is in use',
    page: errors,
    given: [template],
    input: template.input,
    fails: { code: 'InvalidLaunchTemplateName.AlreadyExistsException', status: 400 },
  },
  {
    operation: 'CreateLaunchTemplate',
    says: 'refuses a name with characters other than letters, digits and ( ) . - / _',
    page: errors,
    input: { ...template.input, LaunchTemplateName: 'not a name' },
    fails: { code: 'InvalidLaunchTemplateName.MalformedException', status: 400 },
  },
  {
    operation: 'CreateLaunchTemplateVersion',
    says: 'takes the number after the latest, and leaves the default',
    given: [template],
    input: {
      LaunchTemplateId: '<template>',
      VersionDescription: 'second',
      LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.small' },
    },
    answers: {
      LaunchTemplateVersion: {
        LaunchTemplateId: '<template>',
        LaunchTemplateName: '<name>',
        VersionNumber: 2,
        VersionDescription: 'second',
        DefaultVersion: false,
        LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.small' },
      },
    },
    after: [
      {
        call: 'DescribeLaunchTemplates',
        input: { LaunchTemplateIds: ['<template>'] },
        answers: { LaunchTemplates: [{ DefaultVersionNumber: 1, LatestVersionNumber: 2 }] },
      },
    ],
  },
  {
    operation: 'CreateLaunchTemplateVersion',
    says: 'takes over from a source version what is not given',
    given: [template],
    input: {
      LaunchTemplateName: '<name>',
      SourceVersion: '1',
      LaunchTemplateData: { InstanceType: 't3.small' },
    },
    answers: {
      LaunchTemplateVersion: { LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.small' } },
    },
  },
  {
    operation: 'CreateLaunchTemplateVersion',
    says: 'repeated with the same client token, makes no other version',
    page: 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html',
    given: [
      template,
      {
        call: 'CreateLaunchTemplateVersion',
        input: {
          LaunchTemplateId: '<template>',
          ClientToken: '<name>',
          LaunchTemplateData: { ImageId: '<image>' },
        },
      },
    ],
    input: {
      LaunchTemplateId: '<template>',
      ClientToken: '<name>',
      LaunchTemplateData: { ImageId: '<image>' },
    },
    answers: { LaunchTemplateVersion: { VersionNumber: 2 } },
  },
  {
    operation: 'CreateLaunchTemplateVersion',
    says: 'refuses a client token that came with other parameters before',
    page: errors,
    given: [
      template,
      {
        call: 'CreateLaunchTemplateVersion',
        input: {
          LaunchTemplateId: '<template>',
          ClientToken: '<name>',
          LaunchTemplateData: { ImageId: '<image>' },
        },
      },
    ],
    input: {
      LaunchTemplateId: '<template>',
      ClientToken: '<name>',
      LaunchTemplateData: { KeyName: 'other' },
    },
    fails: { code: 'IdempotentParameterMismatch', status: 400 },
  },
  {
    operation: 'CreateLaunchTemplateVersion',
    says: 'refuses a template that does not exist',
    page: errors,
    input: { LaunchTemplateId: noTemplate, LaunchTemplateData: { ImageId: '<image>' } },
    fails: { code: 'InvalidLaunchTemplateId.NotFound', status: 400 },
  },
  {
    operation: 'DescribeLaunchTemplates',
    says: 'finds a template by its name',
    given: [template],
    input: { LaunchTemplateNames: ['<name>'] },
    answers: {
      LaunchTemplates: [{ LaunchTemplateId: '<template>', DefaultVersionNumber: 1, LatestVersionNumber: 1 }],
    },
  },
  {
    operation: 'DescribeLaunchTemplates',
    says: 'refuses a name that does not exist',
    page: errors,
    input: { LaunchTemplateNames: ['<name>'] },
    fails: { code: 'InvalidLaunchTemplateName.NotFoundException', status: 400 },
  },
  {
    operation: 'DescribeLaunchTemplates',
    says: 'refuses an id that does not exist',
    page: errors,
    input: { LaunchTemplateIds: [noTemplate] },
    fails: { code: 'InvalidLaunchTemplateId.NotFound', status: 400 },
  },
  {
    operation: 'DeleteLaunchTemplate',
    says: 'removes all of its versions',
    given: [template],
    input: { LaunchTemplateId: '<template>' },
    answers: { LaunchTemplate: { LaunchTemplateId: '<template>', LaunchTemplateName: '<name>' } },
    after: [
      {
        call: 'DescribeLaunchTemplates',
        input: { LaunchTemplateIds: ['<template>'] },
        fails: 'InvalidLaunchTemplateId.NotFound',
      },
    ],
  },
  {
    operation: 'DeleteLaunchTemplate',
    says: 'refuses a template that does not exist',
    page: errors,
    input: { LaunchTemplateId: noTemplate },
    fails: { code: 'InvalidLaunchTemplateId.NotFound', status: 400 },
  },
  {
    operation: 'CreateLaunchTemplate',
    says: 'repeated with the same client token, answers with the same template',
    page: 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html',
    given: [{ ...template, input: { ...template.input, ClientToken: '<name>' } }],
    input: { ...template.input, ClientToken: '<name>' },
    answers: { LaunchTemplate: { LaunchTemplateId: '<template>' } },
  },
  {
    operation: 'CreateLaunchTemplateVersion',
    says: 'refuses a source version that does not exist',
    page: errors,
    given: [template],
    input: { LaunchTemplateId: '<template>', SourceVersion: '7', LaunchTemplateData: { KeyName: 'a' } },
    fails: { code: 'InvalidLaunchTemplateId.VersionNotFound', status: 400 },
  },
  {
    operation: 'DescribeLaunchTemplates',
    says: 'refuses an id that is malformed',
    page: errors,
    input: { LaunchTemplateIds: ['my-template'] },
    fails: { code: 'InvalidLaunchTemplateId.Malformed', status: 400 },
  },
];
