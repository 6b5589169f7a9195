/** Launch templates and their versions by what callers name them. */
import type { LaunchTemplateVersion } from '@aws-sdk/client-ec2';
import { AwsError } from '../../service.ts';
import { checkId, missing } from './errors.ts';
import type { Ec2State, TemplateRecord } from './state.ts';

export interface TemplateName {
  LaunchTemplateId?: string | undefined;
  LaunchTemplateName?: string | undefined;
}

/** @throws InvalidLaunchTemplateId.Malformed, InvalidLaunchTemplateId.NotFound, InvalidLaunchTemplateName.NotFoundException */
export function findTemplate(state: Ec2State, input: TemplateName): TemplateRecord {
  if (input.LaunchTemplateId !== undefined) {
    checkId(input.LaunchTemplateId, 'lt', 'InvalidLaunchTemplateId.Malformed');
    const found = state.templates.get(input.LaunchTemplateId);
    if (found !== undefined) return found;
    throw new AwsError(
      'InvalidLaunchTemplateId.NotFound',
      `The specified launch template, with template ID ${input.LaunchTemplateId}, does not exist.`,
    );
  }
  const name = input.LaunchTemplateName;
  if (name === undefined) throw missing('LaunchTemplateId');
  const found = [...state.templates.values()].find((one) => one.template.LaunchTemplateName === name);
  if (found !== undefined) return found;
  throw new AwsError(
    'InvalidLaunchTemplateName.NotFoundException',
    `The specified launch template, with template name ${name}, does not exist.`,
  );
}

/**
 * A version by its number, `$Latest` or `$Default`; the default where none is given.
 * @throws InvalidLaunchTemplateId.VersionNotFound
 */
export function findVersion(record: TemplateRecord, version: string | undefined): LaunchTemplateVersion {
  const { template, versions } = record;
  const number =
    version === '$Latest'
      ? template.LatestVersionNumber
      : version === undefined || version === '' || version === '$Default'
        ? template.DefaultVersionNumber
        : Number(version);
  const found = versions.get(number ?? -1);
  if (found !== undefined) return found;
  throw new AwsError(
    'InvalidLaunchTemplateId.VersionNotFound',
    `Could not find launch template version ${version} for launch template ${template.LaunchTemplateId}`,
  );
}
