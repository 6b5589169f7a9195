/** Launch templates. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-launch-templates.html */
import type {
  CreateLaunchTemplateRequest,
  CreateLaunchTemplateResult,
  CreateLaunchTemplateVersionRequest,
  CreateLaunchTemplateVersionResult,
  DeleteLaunchTemplateRequest,
  DeleteLaunchTemplateResult,
  DeleteLaunchTemplateVersionsRequest,
  DeleteLaunchTemplateVersionsResult,
  DescribeLaunchTemplatesRequest,
  DescribeLaunchTemplatesResult,
  DescribeLaunchTemplateVersionsRequest,
  DescribeLaunchTemplateVersionsResult,
  LaunchTemplateVersion,
  ModifyLaunchTemplateRequest,
  ModifyLaunchTemplateResult,
  RequestLaunchTemplateData,
  ResponseLaunchTemplateData,
} from '@aws-sdk/client-ec2';
import type { Access, Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { badToken, invalidValue, limitExceeded, missing, required } from './errors.ts';
import { passes, tagFilter } from './filters.ts';
import type { Ec2State, TemplateRecord } from './state.ts';
import { describeAccess, onResource, resourceArn, tagOnCreate, tagsFor } from './state.ts';
import { requestTagContext } from './tag-store.ts';
import type { TemplateName } from './template-lookup.ts';
import { findTemplate, findVersion } from './template-lookup.ts';

export function launchTemplateOperations(state: Ec2State) {
  const { context, templates, tags, templateAnswers: answered } = state;

  function once<T>(operation: string, token: string | undefined, parameters: unknown, make: () => T): T {
    if (token === undefined || token === '') return make();
    const asked = JSON.stringify(parameters);
    const earlier = answered.get(`${operation}/${token}`);
    if (earlier !== undefined) {
      if (earlier.parameters === asked) return earlier.answer as T; // the same operation stored it
      throw new AwsError(
        'IdempotentParameterMismatch',
        'Client token already used before with different parameters.',
      );
    }
    const answer = make();
    answered.set(`${operation}/${token}`, { parameters: asked, answer });
    return answer;
  }

  const addVersion = (
    record: TemplateRecord,
    data: RequestLaunchTemplateData,
    description: string | undefined,
    createdBy: string,
  ): LaunchTemplateVersion => {
    const { template, versions } = record;
    const most = state.quotas.templateVersions.value;
    if (versions.size >= most) {
      throw new AwsError('VersionLimitExceeded', `A launch template has at most ${most} versions.`);
    }
    // Numbers are never given out twice, whatever was deleted.
    const number = (template.LatestVersionNumber ?? 0) + 1;
    const version: LaunchTemplateVersion = {
      LaunchTemplateId: template.LaunchTemplateId,
      LaunchTemplateName: template.LaunchTemplateName,
      VersionNumber: number,
      VersionDescription: description,
      CreateTime: new Date(context.clock.now()),
      CreatedBy: createdBy,
      LaunchTemplateData: structuredClone(data) as ResponseLaunchTemplateData, // the same members, all optional
    };
    versions.set(number, version);
    template.LatestVersionNumber = number;
    return version;
  };
  const describeVersion = (
    record: TemplateRecord,
    version: LaunchTemplateVersion,
  ): LaunchTemplateVersion => ({
    ...version,
    DefaultVersion: version.VersionNumber === record.template.DefaultVersionNumber,
  });
  const describeTemplate = (record: TemplateRecord) => ({
    ...record.template,
    Tags: tags.list(record.template.LaunchTemplateId),
  });
  const onTemplate =
    (action: string) =>
    (input: TemplateName): readonly Access[] => {
      const byName = [...templates.values()].find(
        (one) => one.template.LaunchTemplateName === input.LaunchTemplateName,
      );
      return [
        onResource(state, action, input.LaunchTemplateId ?? byName?.template.LaunchTemplateId ?? 'lt-*'),
      ];
    };

  const CreateLaunchTemplate: Operation<CreateLaunchTemplateRequest, CreateLaunchTemplateResult> = {
    access: (input) => {
      const own = tagsFor(input.TagSpecifications, 'launch-template');
      const resources = [resourceArn(context, 'lt-*').replace('lt-*', '*')];
      return [
        { action: 'ec2:CreateLaunchTemplate', resources, context: requestTagContext(own) },
        ...tagOnCreate(resources, 'CreateLaunchTemplate', own),
      ];
    },
    run(input, call) {
      return once('CreateLaunchTemplate', input.ClientToken, input, () => {
        const name = required(input.LaunchTemplateName, 'LaunchTemplateName');
        if (!/^[a-zA-Z0-9().\-/_]{3,128}$/.test(name)) {
          throw new AwsError(
            'InvalidLaunchTemplateName.MalformedException',
            `The launch template name '${name}' is not valid. It has 3 to 128 letters, digits and ( ) . - / _`,
          );
        }
        if ([...templates.values()].some((one) => one.template.LaunchTemplateName === name)) {
          throw new AwsError(
            'InvalidLaunchTemplateName.AlreadyExistsException',
            'Launch template name already in use.',
          );
        }
        if (templates.size >= state.quotas.launchTemplates.value)
          throw limitExceeded('You have reached the limit of launch templates for this account.');
        const record: TemplateRecord = {
          template: {
            LaunchTemplateId: `lt-0${context.random.hex(16)}`,
            LaunchTemplateName: name,
            CreateTime: new Date(context.clock.now()),
            CreatedBy: call.principal.arn,
            DefaultVersionNumber: 1,
            LatestVersionNumber: 0,
          },
          versions: new Map(),
        };
        addVersion(
          record,
          required(input.LaunchTemplateData, 'LaunchTemplateData'),
          input.VersionDescription,
          call.principal.arn,
        );
        templates.set(record.template.LaunchTemplateId, record);
        tags.set(record.template.LaunchTemplateId, tagsFor(input.TagSpecifications, 'launch-template'));
        return { LaunchTemplate: describeTemplate(record) };
      });
    },
  };

  const CreateLaunchTemplateVersion: Operation<
    CreateLaunchTemplateVersionRequest,
    CreateLaunchTemplateVersionResult
  > = {
    access: onTemplate('ec2:CreateLaunchTemplateVersion'),
    run(input, call) {
      return once('CreateLaunchTemplateVersion', input.ClientToken, input, () => {
        const record = findTemplate(state, input);
        const data = required(input.LaunchTemplateData, 'LaunchTemplateData');
        const source =
          input.SourceVersion === undefined
            ? {}
            : findVersion(record, input.SourceVersion).LaunchTemplateData;
        const merged = { ...(source as RequestLaunchTemplateData), ...data };
        const version = addVersion(record, merged, input.VersionDescription, call.principal.arn);
        return { LaunchTemplateVersion: describeVersion(record, version) };
      });
    },
  };

  const DescribeLaunchTemplates: Operation<DescribeLaunchTemplatesRequest, DescribeLaunchTemplatesResult> = {
    access: describeAccess('DescribeLaunchTemplates'),
    run(input) {
      for (const id of input.LaunchTemplateIds ?? []) findTemplate(state, { LaunchTemplateId: id });
      for (const name of input.LaunchTemplateNames ?? []) findTemplate(state, { LaunchTemplateName: name });
      const found = [...templates.values()].filter(({ template }) => {
        if (input.LaunchTemplateIds?.length && !input.LaunchTemplateIds.includes(template.LaunchTemplateId))
          return false;
        if (
          input.LaunchTemplateNames?.length &&
          !input.LaunchTemplateNames.includes(template.LaunchTemplateName)
        ) {
          return false;
        }
        return passes(input.Filters, (name) => {
          if (name === 'launch-template-name') return template.LaunchTemplateName;
          return tagFilter(name, tags.list(template.LaunchTemplateId));
        });
      });
      const shown = page(
        found,
        (one) => one.template.LaunchTemplateId,
        input.MaxResults ?? 200,
        input.NextToken,
        badToken,
      );
      return { LaunchTemplates: shown.items.map(describeTemplate), NextToken: shown.nextToken };
    },
  };

  const DescribeLaunchTemplateVersions: Operation<
    DescribeLaunchTemplateVersionsRequest,
    DescribeLaunchTemplateVersionsResult
  > = {
    access: describeAccess('DescribeLaunchTemplateVersions'),
    run(input) {
      const named = input.LaunchTemplateId !== undefined || input.LaunchTemplateName !== undefined;
      if (!named && !input.Versions?.length) throw missing('LaunchTemplateId');
      if (!named && input.Versions?.some((version) => !version.startsWith('$'))) {
        throw invalidValue('Without a launch template, only $Latest and $Default can be described');
      }
      const records = named ? [findTemplate(state, input)] : [...templates.values()];
      const found = records.flatMap((record) => {
        const versions = input.Versions?.length
          ? input.Versions.map((version) => findVersion(record, version))
          : [...record.versions.values()];
        return versions
          .filter((version) => {
            const number = version.VersionNumber ?? 0;
            if (input.MinVersion !== undefined && number < Number(input.MinVersion)) return false;
            if (input.MaxVersion !== undefined && number > Number(input.MaxVersion)) return false;
            return passes(input.Filters, (name) => {
              if (name === 'image-id') return version.LaunchTemplateData?.ImageId;
              if (name === 'instance-type') return version.LaunchTemplateData?.InstanceType;
              if (name === 'is-default-version') return `${number === record.template.DefaultVersionNumber}`;
              return null;
            });
          })
          .sort((a, b) => (b.VersionNumber ?? 0) - (a.VersionNumber ?? 0))
          .map((version) => describeVersion(record, version));
      });
      const keyOf = (one: LaunchTemplateVersion): string => `${one.LaunchTemplateId}/${one.VersionNumber}`;
      const shown = page(found, keyOf, input.MaxResults ?? 200, input.NextToken, badToken);
      return { LaunchTemplateVersions: [...shown.items], NextToken: shown.nextToken };
    },
  };

  const ModifyLaunchTemplate: Operation<ModifyLaunchTemplateRequest, ModifyLaunchTemplateResult> = {
    access: onTemplate('ec2:ModifyLaunchTemplate'),
    run(input) {
      return once('ModifyLaunchTemplate', input.ClientToken, input, () => {
        const record = findTemplate(state, input);
        if (input.DefaultVersion !== undefined) {
          record.template.DefaultVersionNumber = findVersion(record, input.DefaultVersion).VersionNumber;
        }
        return { LaunchTemplate: describeTemplate(record) };
      });
    },
  };

  const DeleteLaunchTemplate: Operation<DeleteLaunchTemplateRequest, DeleteLaunchTemplateResult> = {
    access: onTemplate('ec2:DeleteLaunchTemplate'),
    run(input) {
      const record = findTemplate(state, input);
      const answer = { LaunchTemplate: describeTemplate(record) };
      templates.delete(record.template.LaunchTemplateId);
      tags.forget(record.template.LaunchTemplateId);
      return answer;
    },
  };

  const DeleteLaunchTemplateVersions: Operation<
    DeleteLaunchTemplateVersionsRequest,
    DeleteLaunchTemplateVersionsResult
  > = {
    access: onTemplate('ec2:DeleteLaunchTemplateVersions'),
    run(input) {
      const record = findTemplate(state, input);
      const { LaunchTemplateId, LaunchTemplateName, DefaultVersionNumber } = record.template;
      const deleted = [];
      const refused = [];
      for (const version of required(input.Versions, 'Versions')) {
        const number = Number(version);
        const base = { LaunchTemplateId, LaunchTemplateName, VersionNumber: number };
        if (number === DefaultVersionNumber) {
          const ResponseError = {
            Code: 'unexpectedError' as const,
            Message: 'You cannot delete the default launch template version',
          };
          refused.push({ ...base, ResponseError });
        } else if (record.versions.delete(number)) {
          deleted.push(base);
        } else {
          const ResponseError = {
            Code: 'launchTemplateVersionDoesNotExist' as const,
            Message: `Could not find launch template version ${version}`,
          };
          refused.push({ ...base, ResponseError });
        }
      }
      return {
        SuccessfullyDeletedLaunchTemplateVersions: deleted,
        UnsuccessfullyDeletedLaunchTemplateVersions: refused,
      };
    },
  };

  return {
    CreateLaunchTemplate,
    CreateLaunchTemplateVersion,
    DescribeLaunchTemplates,
    DescribeLaunchTemplateVersions,
    ModifyLaunchTemplate,
    DeleteLaunchTemplate,
    DeleteLaunchTemplateVersions,
  };
}
